import type { OptionReader } from './check.js';
import { GREATEST_MAX_FRAME_BYTES } from './limits.js';

/** The limits of sessions that both sides have. */
export interface SessionLimitOptions {
  windowBytes?: number | undefined;
  maxAheadBytes?: number | undefined;
  keepAliveIntervalMs?: number | undefined;
  keepAliveTimeoutMs?: number | undefined;
}

export function readSessionLimits(read: OptionReader<SessionLimitOptions>): {
  readonly windowBytes: number;
  readonly maxAheadBytes: number;
  readonly keepAliveIntervalMs: number;
  readonly keepAliveTimeoutMs: number;
} {
  return {
    windowBytes: read.integer('windowBytes', 256 * 1024, 65_536, GREATEST_MAX_FRAME_BYTES),
    maxAheadBytes: read.integer('maxAheadBytes', 1024 * 1024, 0, GREATEST_MAX_FRAME_BYTES),
    keepAliveIntervalMs: read.milliseconds('keepAliveIntervalMs', 30_000),
    keepAliveTimeoutMs: read.milliseconds('keepAliveTimeoutMs', 10_000),
  };
}
