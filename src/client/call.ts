import { isObservable, type Observable } from 'rxjs';

import type { ClassicCall } from '../classic/caller.js';
import { encodePayload } from '../classic/payload.js';
import type { Cancel, Clock } from '../clock/clock.js';
import { XtcpError } from '../errors/xtcp-error.js';
import type { EventAck } from '../options/client-options.js';
import type { PayloadKind } from '../options/payload-kind.js';
import type { Withdraw } from '../pool/call-queue.js';
import type { EndpointCall, EndpointPool } from '../pool/endpoint-pool.js';
import type { ItemSender } from '../session/item-sender.js';
import { MAX_DEADLINE_MS } from '../session/session.js';
import { encodeValue, type EncodedValue, type Packer } from '../wire/codec.js';
import { encodeMetadata, type Metadata, type MetadataLimits } from '../wire/metadata.js';
import type { Retries } from './retries.js';

/** One call as the client's user asked for it. */
export interface CallRequest {
  readonly kind: 'call' | 'event';
  /** In Nest's normal form. */
  readonly pattern: string;
  readonly data: unknown;
  readonly metadata: Metadata | undefined;
  /** Milliseconds that it may take in all; undefined where nothing was said. */
  readonly timeoutMs: number | undefined;
  /** What counts instead in a session; classic counts it from the request being written. 0 for any time. */
  readonly requestTimeoutMs: number;
  readonly ack: EventAck;
  /** Whether running it twice does no harm. */
  readonly idempotent: boolean;
  readonly packer: Packer | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onMetadata: ((metadata: Metadata) => void) | undefined;
  /** How a classic answer is read. */
  readonly payload: PayloadKind;
}

/** Who made it. One of the last two is called, once, unless the call is cancelled. */
export interface CallObserver {
  /** @param taken to be called when the value was taken; lets the server send more */
  onValue(value: unknown, taken: () => void): void;
  onComplete(): void;
  onError(error: XtcpError): void;
}

/** Where calls are made. */
export interface Caller {
  readonly pool: EndpointPool;
  readonly clock: Clock;
  readonly retries: Retries;
  readonly limits: MetadataLimits;
}

/**
 * Makes a call over whatever protocol the server speaks, ends it in time, and makes it again where that is safe.
 * @returns what to call when its answer is not wanted any more
 */
export function makeCall(caller: Caller, request: CallRequest, observer: CallObserver): Cancel {
  const { pool, clock } = caller;
  const { signal } = request;
  const timeoutMs = request.timeoutMs ?? (request.requestTimeoutMs === 0 ? undefined : request.requestTimeoutMs);
  let ended = false;
  let withdraw: Withdraw | undefined;
  /** Whether the caller was given a value, or its stream was read: it cannot be made again then. */
  let isUnique = false;
  const end = (): boolean => {
    if (ended) return false;
    ended = true;
    stopTimer();
    signal?.removeEventListener('abort', onAbort);
    return true;
  };
  const fail = (error: XtcpError): void => {
    if (end()) observer.onError(error);
  };
  const giveUp = (error: XtcpError): void => {
    withdraw?.();
    fail(error);
  };
  const onAbort = (): void => {
    giveUp(new XtcpError('CANCELLED', 'the call was aborted by its signal', { cause: signal?.reason }));
  };
  /** @returns what the caller's own function threw; thrown on, it would end the connection with all its calls */
  const tellMetadata = (metadata: Metadata | undefined): XtcpError | undefined => {
    try {
      if (metadata !== undefined) request.onMetadata?.(metadata);
      return undefined;
    } catch (cause) {
      return new XtcpError('INTERNAL', 'onMetadata threw an error', { cause });
    }
  };
  const complete = (metadata: Metadata | undefined): void => {
    // Told to those, too, who left with the value that came in the same frame, as firstValueFrom does.
    const failure = tellMetadata(metadata);
    if (failure !== undefined) fail(failure);
    else if (end()) observer.onComplete();
  };
  // Past what a timer can count, a call has no deadline; the wire has none, either.
  const stopTimer = clock.after(timeoutMs === undefined || timeoutMs > MAX_DEADLINE_MS ? 0 : timeoutMs, () => {
    // One that never had a connection is told why.
    const reason = withdraw?.();
    fail(reason ?? new XtcpError('DEADLINE_EXCEEDED', `no end of the call within ${timeoutMs} ms`));
  });
  const stop: Cancel = () => {
    if (end()) withdraw?.();
  };
  if (timeoutMs !== undefined && (typeof timeoutMs !== 'number' || Number.isNaN(timeoutMs))) {
    fail(new XtcpError('INVALID_ARGUMENT', 'the timeoutMs of the call is no number', { executed: false }));
    return stop;
  }
  if (timeoutMs !== undefined && timeoutMs <= 0) {
    fail(new XtcpError('DEADLINE_EXCEEDED', 'the call had no time left', { executed: false }));
    return stop;
  }
  if (signal?.aborted === true) {
    const cause: unknown = signal.reason;
    fail(new XtcpError('CANCELLED', 'the call was aborted by its signal', { cause, executed: false }));
    return stop;
  }
  signal?.addEventListener('abort', onAbort);
  const onValue = (value: unknown, taken: () => void): void => {
    isUnique = true;
    if (!ended) observer.onValue(value, taken);
  };
  const source = inputOf(request.data);
  const input =
    source &&
    ((sender: ItemSender): void => {
      isUnique = true;
      source(sender);
    });
  if (input !== undefined && request.kind === 'event') {
    fail(new XtcpError('INVALID_ARGUMENT', 'an event carries one value, not a stream', { executed: false }));
    return stop;
  }
  let data: EncodedValue;
  let metadata: string;
  try {
    data = encodeValue(input === undefined ? request.data : undefined, request.packer);
    metadata = encodeMetadata(request.metadata, caller.limits);
  } catch (error) {
    fail((error as XtcpError).notExecuted());
    return stop;
  }
  const call: EndpointCall = {
    kind: request.kind,
    pattern: request.pattern,
    data,
    input,
    metadata,
    deadline: timeoutMs === undefined ? undefined : clock.now() + timeoutMs,
    ack: request.ack,
    msgpack: request.packer !== undefined,
    onValue,
    onComplete: complete,
    onError: fail,
    onReturned: (error, answerMetadata) => {
      if (ended || isAgain(error)) return;
      tellMetadata(answerMetadata);
      fail(error);
    },
    toClassic: () => {
      if (request.timeoutMs === undefined) stopTimer();
      return classicOf(request, onValue, complete, fail, isAgain);
    },
  };
  const attempts = caller.retries.begin();
  const attempt = (): void => {
    const placed = pool.call(call);
    withdraw = placed;
    // It may have ended by itself on its way: a source that aborts the signal as soon as it is asked.
    if (ended) placed();
  };
  const isAgain = (error: XtcpError): boolean => {
    const waitMs = isUnique ? undefined : attempts.again(error, request.idempotent);
    if (waitMs === undefined) return false;
    const stopWaiting = clock.after(waitMs, attempt);
    withdraw = () => {
      stopWaiting();
      return error;
    };
    return true;
  };
  attempt();
  return stop;
}

function classicOf(
  request: CallRequest,
  onValue: (value: unknown, taken: () => void) => void,
  complete: (metadata: undefined) => void,
  onError: (error: XtcpError) => void,
  isAgain: (error: XtcpError) => boolean,
): ClassicCall {
  if (inputOf(request.data) !== undefined) {
    throw new XtcpError('UNIMPLEMENTED', 'the server speaks only xtcp 0.2, which has no streams', { executed: false });
  }
  return {
    method: request.pattern,
    params: encodePayload(request.data),
    payload: request.payload,
    onAnswer: (value) => {
      onValue(value, () => {});
      complete(undefined);
    },
    onError,
    onLost: (error) => {
      if (!isAgain(error)) onError(error);
    },
  };
}

/** How data that is a stream is sent; undefined for any other. */
function inputOf(data: unknown): ((sender: ItemSender) => void) | undefined {
  if (isObservable(data)) {
    return (sender) => {
      sendObservable(data, sender);
    };
  }
  if (typeof data === 'object' && data !== null && Symbol.asyncIterator in data) {
    return (sender) => {
      sender.pull(data as AsyncIterable<unknown>);
    };
  }
  return undefined;
}

function sendObservable(source: Observable<unknown>, sender: ItemSender): void {
  const subscription = source.subscribe({
    next: (value) => {
      sender.push(value);
    },
    error: (error: unknown) => {
      sender.failSource(error);
    },
    complete: () => {
      sender.complete();
    },
  });
  sender.onStop(() => {
    subscription.unsubscribe();
  });
}
