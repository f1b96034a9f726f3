import type { XtcpClientOptions, XtcpServerOptions } from '../../src/index.js';
import type { Vector } from './notation.js';

/** What a vector says of the side under test, as options of either; the names of README.md are those of the protocol. */
export function optionsOf(setup: Vector['setup'] = {}): XtcpClientOptions & XtcpServerOptions {
  const {
    window = 65_536,
    maxFrame = 1_048_576,
    keepAlive,
    ...others
  } = setup as {
    window?: number;
    maxFrame?: number;
    keepAlive?: { intervalMs: number; timeoutMs: number };
  };
  return {
    windowBytes: window,
    maxFrameBytes: maxFrame,
    ...(keepAlive && { keepAliveIntervalMs: keepAlive.intervalMs, keepAliveTimeoutMs: keepAlive.timeoutMs }),
    ...others,
  };
}
