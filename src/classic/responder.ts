import type { Cancel, Clock } from '../clock/clock.js';
import type { Deadlines } from '../clock/deadlines.js';
import { IdleWatch, type Idling } from '../clock/idle-watch.js';
import { XtcpError } from '../errors/xtcp-error.js';
import type { Field } from '../wire/encoder.js';
import type { FrameStream, FrameStreamListener } from '../wire/frame-stream.js';
import type { Frame } from '../wire/frame.js';
import { formatErrorAnswer } from './error-answer.js';

/** Field numbers of a classic request. */
export const METHOD = 0;
export const PARAMS = 1;

export interface ResponderLimits {
  /** Requests served at once on the connection; those behind wait unread. */
  readonly maxCalls: number;
  /** Milliseconds that a client which ended its output is still answered; 0 for any time. */
  readonly halfCloseTimeoutMs: number;
  /** Milliseconds without a request after which the connection is closed; 0 for never. */
  readonly idleTimeoutMs: number;
}

/** Answers one request. The first answer counts, later ones are ignored. */
export type Answer = (result: Field | XtcpError) => void;

/**
 * Runs one request.
 * @param request its two fields, to be read before this returns
 * @returns what to call when nobody waits for the answer any more
 */
export type ServeRequest = (request: Frame, answer: Answer) => Cancel;

interface Place {
  result: Field | XtcpError | undefined;
  cancel: Cancel | undefined;
}

/**
 * The serving side of one classic connection: requests run side by side up to a limit, and are answered in the order
 * in which they came. The connection stays open after an answer.
 */
export class ClassicResponder implements FrameStreamListener, Idling {
  /** The requests that have no answer on the wire yet, oldest first. */
  private readonly places: Place[] = [];
  private congested = false;
  private settling = false;
  private unsettled = false;
  /**
   * `open`: requests are taken. `draining`: they are taken, but answered UNAVAILABLE. `ending`: no more will come;
   * what runs is answered, then the connection is closed. `closed`: it is gone.
   */
  private state: 'open' | 'draining' | 'ending' | 'closed' = 'open';
  private cancelHalfClose: Cancel | undefined;
  private readonly idle: IdleWatch;

  constructor(
    private readonly frames: FrameStream,
    readonly limits: ResponderLimits,
    private readonly clock: Clock,
    private readonly serve: ServeRequest,
    private readonly onBroken: (error: XtcpError) => void,
    readonly deadlines: Deadlines,
    /** A request was turned away before it was served. */
    private readonly onRefused: (error: XtcpError) => void = () => {},
  ) {
    this.idle = new IdleWatch(this);
  }

  /** For {@link IdleWatch}. */
  get isBusy(): boolean {
    return this.places.length > 0;
  }

  onIdle(): void {
    this.drain();
  }

  /** Starts no further request; closes the connection when those that run have been answered. */
  drain(): void {
    if (this.state !== 'open') return;
    this.state = 'draining';
    this.settle();
  }

  onDrain(): void {
    this.congested = false;
    this.settle();
  }

  onFrame(frame: Frame): void {
    const place: Place = { result: undefined, cancel: undefined };
    this.places.push(place);
    if (frame.count !== 2) {
      this.end(place, wrongFields(frame));
      return;
    }
    if (this.state !== 'open') {
      const refusal = new XtcpError('UNAVAILABLE', 'the server is shutting down', { executed: false });
      place.result = refusal;
      this.onRefused(refusal);
      this.settle();
      return;
    }
    const answer: Answer = (result) => {
      if (place.result !== undefined || this.state === 'closed') return;
      place.result = result;
      this.settle();
    };
    place.cancel = this.serve(frame, answer);
    // At once, since more requests may lie behind this one in what has been read.
    if (this.places.length >= this.limits.maxCalls) this.frames.hold();
    this.settle();
  }

  /** Answers `error` behind the requests that still run, then closes. */
  onBadInput(error: XtcpError): void {
    const place: Place = { result: undefined, cancel: undefined };
    this.places.push(place);
    this.end(place, error);
  }

  private end(place: Place, error: XtcpError): void {
    place.result = error;
    this.endInTime();
    this.onBroken(error);
    this.settle();
  }

  onEnd(midFrame: boolean): void {
    this.endInTime();
    if (midFrame) this.onBadInput(new XtcpError('PROTOCOL_ERROR', 'the input ended in the middle of a request'));
    else this.settle();
  }

  /** No more requests will come; those that run are answered, but not for ever. */
  private endInTime(): void {
    this.state = 'ending';
    this.watchHalfClose();
  }

  /** Requests wait unread, but the client may be gone. */
  onEndAhead(): void {
    this.watchHalfClose();
  }

  private watchHalfClose(): void {
    const { halfCloseTimeoutMs } = this.limits;
    // TCP shows a client that still reads and one that is gone in the same way, so this has to end some time.
    this.cancelHalfClose ??= this.clock.after(halfCloseTimeoutMs, () => {
      const what = `its answers were not ready ${halfCloseTimeoutMs} ms behind its end (halfCloseTimeoutMs)`;
      this.onBroken(new XtcpError('DEADLINE_EXCEEDED', what));
      this.frames.destroy();
    });
  }

  /** Sends what can be sent in order, then asks for more requests, or closes. */
  private settle(): void {
    // Asking for more may bring requests at once, which settle in turn: they are left to the round that asked.
    this.unsettled = true;
    if (this.settling) return;
    this.settling = true;
    while (this.unsettled && this.state !== 'closed') {
      this.unsettled = false;
      this.sendAnswers();
      this.askForMore();
    }
    this.settling = false;
    if (this.places.length === 0 && this.state !== 'open' && this.state !== 'closed') {
      this.state = 'ending';
      this.frames.finish();
    }
  }

  private sendAnswers(): void {
    let answered = 0;
    for (const { result } of this.places) {
      if (result === undefined) break;
      answered++;
      const field = result instanceof XtcpError ? formatErrorAnswer(result) : result;
      if (!this.frames.send([field])) this.congested = true;
    }
    this.places.splice(0, answered);
    if (answered > 0 && this.places.length === 0) this.idle.touch();
  }

  private askForMore(): void {
    const isFull = this.places.length >= this.limits.maxCalls;
    if (isFull || this.congested || this.state === 'ending') this.frames.hold();
    else this.frames.release();
  }

  onClose(error: Error | undefined): void {
    if (error instanceof XtcpError) this.onBroken(error);
    this.state = 'closed';
    this.idle.stop();
    this.cancelHalfClose?.();
    for (const place of this.places) {
      if (place.result === undefined) place.cancel?.();
    }
    this.places.length = 0;
  }
}

/** Says where a frame stopped being a request. */
function wrongFields(frame: Frame): XtcpError {
  if (frame.count === 1) {
    return new XtcpError('PROTOCOL_ERROR', 'a request has two fields, method and params, not one');
  }
  let thirdField = 0;
  for (const length of [frame.length(METHOD), frame.length(PARAMS)]) thirdField += `${length}`.length + length + 4;
  return new XtcpError(
    'PROTOCOL_ERROR',
    `expected the end of the frame, which may have 2 fields, at byte ${thirdField}`,
  );
}
