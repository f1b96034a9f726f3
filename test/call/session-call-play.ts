import { makeCall, type CallRequest, type Caller } from '../../src/call/call.js';
import { inputOf } from '../../src/client/input.js';
import type { Cancel } from '../../src/clock/clock.js';
import { Deadlines } from '../../src/clock/deadlines.js';
import { XtcpError } from '../../src/errors/xtcp-error.js';
import type { Protocol } from '../../src/options/client-options.js';
import { EndpointPool } from '../../src/pool/endpoint-pool.js';
import { dialling, type Dialled } from '../pool/session-dialling.js';
import { Retries, type RetryLimits } from '../../src/call/retries.js';
import type { QueueLimits } from '../../src/pool/call-queue.js';
import { POOL_LIMITS } from '../pool/session-pooling.js';
import { HELLO, LIMITS } from '../session/session-play.js';
import { FakeClock } from '../support/fake-clock.js';

export interface Made {
  /** What the caller was told, in order: `[value, v]`, `[complete]`, `[error, code, executed]`. */
  readonly log: unknown[][];
  readonly cancel: Cancel;
  /** The caller takes the oldest value that it has not taken. */
  readonly take: () => void;
}

export interface Client {
  readonly clock: FakeClock;
  readonly dials: Dialled[];
  readonly at: (index: number) => Dialled;
  readonly pool: EndpointPool;
  /** Closes the client, as `XtcpClient.close` does. */
  readonly close: () => Promise<void>;
  readonly make: (request?: Partial<CallRequest>) => Made;
}

const nothing = (): void => {};

/** A client whose calls the test makes, and whose servers it plays. */
export function client(
  protocol: Protocol = 'auto',
  maxAheadBytes = 1000,
  given: Partial<RetryLimits & QueueLimits> = {},
): Client {
  const clock = new FakeClock();
  const { dial, dials, at } = dialling();
  const limits = {
    ...LIMITS,
    ...POOL_LIMITS,
    connectTimeoutMs: 0,
    maxAheadBytes,
    queueTimeoutMs: 0,
    gracePeriodMs: 0,
    connections: 1,
    pipelining: 1,
    maxFrameBytes: 65_536,
    requestTimeoutMs: 700,
    retries: 0,
    retryShare: 0,
    ...given,
  };
  const listener = { onConnect: nothing, onLost: nothing, onClose: nothing, onStatus: nothing };
  const pool = new EndpointPool(protocol, dial, HELLO, undefined, limits, clock, undefined, listener);
  const deadlines = new Deadlines(clock);
  const retries = new Retries(limits, clock);
  const caller: Caller = { endpoint: '127.0.0.1:8001', pool, clock, deadlines, retries, limits };
  const close = async (): Promise<void> => {
    const reason = new XtcpError('CANCELLED', 'the client was closed');
    const closed = pool.close(reason);
    retries.close(reason);
    await closed;
    retries.close(reason);
  };
  return { clock, dials, at, pool, close, make: (request = {}) => make(caller, request) };
}

function make(caller: Caller, given: Partial<CallRequest>): Made {
  const log: unknown[][] = [];
  const takes: (() => void)[] = [];
  const request: CallRequest = {
    kind: 'call',
    pattern: 'toupper',
    data: 'a',
    input: inputOf(given.data),
    metadata: undefined,
    timeoutMs: undefined,
    requestTimeoutMs: 0,
    ack: 'received',
    idempotent: false,
    packer: undefined,
    signal: undefined,
    onMetadata: undefined,
    payload: 'text',
    ...given,
  };
  const cancel = makeCall(caller, request, {
    onValue: (value, taken) => {
      log.push(['value', value]);
      takes.push(taken);
    },
    onComplete: () => log.push(['complete']),
    onError: ({ code, executed }) => log.push(['error', code, executed]),
  });
  return { log, cancel, take: () => takes.shift()?.() };
}
