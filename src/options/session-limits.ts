import type { OptionReader } from './check.js';
import { GREATEST_MAX_FRAME_BYTES } from './limits.js';

/** What every peer takes, and the defaults here (docs/protocol.md, "Opening"). */
export const TAKEN_BY_ALL = {
  fields: 16,
  patternBytes: 1024,
  metadataBytes: 8 * 1024,
  metadataKeys: 64,
} as const;

/** The limits of sessions that both sides have. */
export interface SessionLimitOptions {
  windowBytes?: number | undefined;
  maxAheadBytes?: number | undefined;
  keepAliveIntervalMs?: number | undefined;
  keepAliveTimeoutMs?: number | undefined;
  writeTimeoutMs?: number | undefined;
  maxSendBufferSize?: number | undefined;
  maxControlFramesPerSecond?: number | undefined;
  maxFields?: number | undefined;
  maxPatternBytes?: number | undefined;
  maxMetadataBytes?: number | undefined;
  maxMetadataKeys?: number | undefined;
}

/** {@link SessionLimitOptions} with nothing left open. */
export type ResolvedSessionLimits = { readonly [Name in keyof SessionLimitOptions]-?: number };

export const SESSION_LIMIT_NAMES = [
  'windowBytes',
  'maxAheadBytes',
  'keepAliveIntervalMs',
  'keepAliveTimeoutMs',
  'writeTimeoutMs',
  'maxSendBufferSize',
  'maxControlFramesPerSecond',
  'maxFields',
  'maxPatternBytes',
  'maxMetadataBytes',
  'maxMetadataKeys',
] as const satisfies readonly (keyof SessionLimitOptions)[];

export function readSessionLimits(read: OptionReader<SessionLimitOptions>): ResolvedSessionLimits {
  return {
    windowBytes: read.integer('windowBytes', 256 * 1024, 65_536, GREATEST_MAX_FRAME_BYTES),
    maxAheadBytes: read.integer('maxAheadBytes', 1024 * 1024, 0, GREATEST_MAX_FRAME_BYTES),
    keepAliveIntervalMs: read.milliseconds('keepAliveIntervalMs', 30_000),
    keepAliveTimeoutMs: read.milliseconds('keepAliveTimeoutMs', 10_000),
    writeTimeoutMs: read.milliseconds('writeTimeoutMs', 30_000),
    maxSendBufferSize: read.integer('maxSendBufferSize', 64 * 1024 * 1024, 65_536, 2 ** 32),
    maxControlFramesPerSecond: read.integer('maxControlFramesPerSecond', 1000, 1, 1_000_000),
    maxFields: read.integer('maxFields', TAKEN_BY_ALL.fields, TAKEN_BY_ALL.fields, 1024),
    maxPatternBytes: read.integer('maxPatternBytes', TAKEN_BY_ALL.patternBytes, TAKEN_BY_ALL.patternBytes, 65_536),
    maxMetadataBytes: read.integer('maxMetadataBytes', TAKEN_BY_ALL.metadataBytes, TAKEN_BY_ALL.metadataBytes, 2 ** 20),
    maxMetadataKeys: read.integer('maxMetadataKeys', TAKEN_BY_ALL.metadataKeys, TAKEN_BY_ALL.metadataKeys, 65_536),
  };
}
