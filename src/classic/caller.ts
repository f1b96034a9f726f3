import type { Cancel, Clock } from '../clock/clock.js';
import { fromSocketError } from '../errors/from-node.js';
import { XtcpError } from '../errors/xtcp-error.js';
import type { PayloadKind } from '../options/payload-kind.js';
import type { ByteStream } from '../wire/byte-stream.js';
import type { Field } from '../wire/encoder.js';
import { FrameStream } from '../wire/frame-stream.js';
import type { Frame } from '../wire/frame.js';
import { readErrorAnswer, RESULT } from './error-answer.js';
import { decodePayload } from './payload.js';

/** One call: what is asked, and who waits for it. Exactly one of the three functions is called, once. */
export interface ClassicCall {
  readonly method: string;
  readonly params: Field;
  /** How the answer's octets are read. */
  readonly payload: PayloadKind;
  /** @param bytes that the answer has */
  onAnswer(value: unknown, bytes: number): void;
  onError(error: XtcpError): void;
  /** The connection was lost behind the request; `executed` says whether the server can have had it. */
  onLost(error: XtcpError): void;
}

export interface CallerLimits {
  /** The most bytes that an answer may have. */
  readonly maxFrameBytes: number;
  /** Milliseconds from a request being written to its answer; 0 for any time. */
  readonly requestTimeoutMs: number;
}

/** Why a connection carries no more calls: this side let go of it, the server closed it idle, or what went wrong. */
export type Ending = 'here' | 'server' | XtcpError;

export interface CallerListener {
  /** An answer has come; said before the call is told. */
  onAnswer(): void;
  /** A call has left, so there may be room for another. */
  onRoom(): void;
  /** The connection is gone or going; nothing more is sent on it. Said before the calls that it fails are told. */
  onClose(ending: Ending): void;
  /** The connection's socket is closed. Said once, last. */
  onGone(): void;
}

/** A request on the wire; `call` is undefined once nobody waits for its answer. */
interface Pending {
  call: ClassicCall | undefined;
  stopTimer: Cancel;
  /** The number of its frame (FrameStream.framesSent). */
  frame: number;
}

/** The calling side of one classic connection: sends requests, and gives the answers to them in the same order. */
export class ClassicCaller {
  private readonly frames: FrameStream;
  private readonly pending: Pending[] = [];
  private waitedFor = 0;
  private closed = false;

  constructor(
    bytes: ByteStream,
    private readonly limits: CallerLimits,
    private readonly clock: Clock,
    private readonly listener: CallerListener,
  ) {
    const frameLimits = { maxFrameBytes: limits.maxFrameBytes, maxFields: 1, incompleteMessageTimeout: 0 };
    this.frames = new FrameStream(bytes, frameLimits, clock, {
      onFrame: (frame) => {
        this.answered(frame);
      },
      onBadInput: (error) => {
        this.fail(error);
      },
      onEnd: (midFrame) => {
        this.ended(midFrame);
      },
      onDrain: () => {},
      onClose: (error) => {
        if (error === undefined || this.pending.length === 0) this.ended(false);
        else this.fail(fromSocketError(error));
        listener.onGone();
      },
    });
  }

  /** Calls that wait for their answer here. */
  get calls(): number {
    return this.waitedFor;
  }

  /** Requests on the wire whose answer nobody waits for any more, but which the server still owes. */
  get abandoned(): number {
    return this.pending.length - this.waitedFor;
  }

  /** Sends `call`. @returns what to call when its answer is not wanted any more; it is told of nothing then. */
  send(call: ClassicCall): Cancel {
    const pending: Pending = {
      call,
      frame: 0,
      stopTimer: this.clock.after(this.limits.requestTimeoutMs, () => {
        abandon();
        const { requestTimeoutMs } = this.limits;
        call.onError(new XtcpError('DEADLINE_EXCEEDED', `no answer within ${requestTimeoutMs} ms (requestTimeoutMs)`));
      }),
    };
    const abandon = (): void => {
      this.abandon(pending);
    };
    this.pending.push(pending);
    this.waitedFor++;
    this.frames.send([call.method, call.params]);
    pending.frame = this.frames.framesSent;
    return abandon;
  }

  /** Closes the connection once the server, too, has nothing more to say; for one without calls. */
  finish(): void {
    this.leave('here');
    this.frames.finish();
  }

  /** Closes the connection at once, also one that is finishing; its calls fail with `error`. */
  destroy(error: XtcpError): void {
    this.fail(error, 'here', error);
    this.frames.destroy();
  }

  private answered(frame: Frame): void {
    const pending = this.pending.shift();
    if (pending === undefined) {
      this.fail(new XtcpError('PROTOCOL_ERROR', 'the server sent an answer that nobody asked for'));
      return;
    }
    const call = this.settle(pending);
    this.listener.onAnswer();
    if (call !== undefined) deliver(call, frame);
    this.listener.onRoom();
    this.resetIfUnwanted();
  }

  /** Takes a request off the list of those waited for; returns the call, once. */
  private settle(pending: Pending): ClassicCall | undefined {
    const { call } = pending;
    if (call === undefined) return undefined;
    pending.call = undefined;
    pending.stopTimer();
    this.waitedFor--;
    return call;
  }

  private abandon(pending: Pending): void {
    if (this.settle(pending) === undefined || this.closed) return;
    // While somebody waits here, its answer is skipped.
    if (this.waitedFor > 0) this.listener.onRoom();
    else this.resetIfUnwanted();
  }

  /** Where nobody waits for any of the answers that are owed, a reset tells the server to stop working on them. */
  private resetIfUnwanted(): void {
    if (this.closed || this.waitedFor > 0 || this.pending.length === 0) return;
    this.leave('here');
    this.frames.reset();
  }

  private ended(midFrame: boolean): void {
    if (this.pending.length === 0) {
      this.leave('server');
      this.frames.finish();
      return;
    }
    const when = midFrame ? 'in the middle of its answer' : 'without an answer, as xtcp 0.2 does for an empty one';
    this.fail(new XtcpError('UNAVAILABLE', `the server closed the connection ${when}`));
  }

  /** Fails the oldest call with `error`; those behind it were lost with the connection, unless `others` says more. */
  private fail(error: XtcpError, ending: Ending = error, others?: XtcpError): void {
    if (this.closed) return;
    const lost = this.pending.splice(0).map((pending) => ({ call: this.settle(pending), frame: pending.frame }));
    this.leave(ending);
    this.frames.destroy();
    const behind = others ?? new XtcpError('UNAVAILABLE', 'the connection was lost', { cause: error });
    for (const [index, { call, frame }] of lost.entries()) {
      const reason = index === 0 ? error : behind;
      if (ending === 'here') call?.onError(reason);
      else call?.onLost(this.frames.hasBegun(frame) ? reason : reason.notExecuted());
    }
  }

  private leave(ending: Ending): void {
    if (this.closed) return;
    this.closed = true;
    this.listener.onClose(ending);
  }
}

function deliver(call: ClassicCall, frame: Frame): void {
  let value: unknown;
  try {
    const error = readErrorAnswer(frame);
    if (error !== undefined) {
      call.onError(error);
      return;
    }
    value = decodePayload(frame, RESULT, call.payload);
  } catch (error) {
    const reason = error instanceof XtcpError ? error.message : 'it cannot be decoded';
    call.onError(new XtcpError('PROTOCOL_ERROR', `the answer cannot be read as ${call.payload}: ${reason}`));
    return;
  }
  call.onAnswer(value, frame.length(RESULT));
}
