import type { Cancel, Clock } from '../clock/clock.js';
import { XtcpError } from '../errors/xtcp-error.js';

/** What a queue needs of a call: to tell it that it waited too long, or was turned away. */
interface Queued {
  onError(error: XtcpError): void;
}

interface Waiting<Call> {
  readonly call: Call;
  readonly stopTimer: Cancel;
  /** Takes the call out of the queue, or ends it where it went. */
  stop: Cancel;
}

/** Calls that wait for a place, in order, each for a limited time. */
export class CallQueue<Call extends Queued> {
  private readonly waiting = new Set<Waiting<Call>>();

  /** @param timeoutMs milliseconds that a call waits; 0 for any time */
  constructor(
    private readonly timeoutMs: number,
    private readonly clock: Clock,
  ) {}

  get isEmpty(): boolean {
    return this.waiting.size === 0;
  }

  /** @returns what to call when the call is not wanted any more, wherever it is by then */
  add(call: Call): Cancel {
    const waiting: Waiting<Call> = {
      call,
      stopTimer: this.clock.after(this.timeoutMs, () => {
        this.waiting.delete(waiting);
        call.onError(
          new XtcpError('RESOURCE_EXHAUSTED', `no connection was free within ${this.timeoutMs} ms (queueTimeoutMs)`, {
            executed: false,
          }),
        );
      }),
      stop: () => {
        this.remove(waiting);
      },
    };
    this.waiting.add(waiting);
    return () => {
      waiting.stop();
    };
  }

  /**
   * Gives calls their places, the oldest first.
   * @param place finds a place and puts the call there, returning how to end it; undefined where there is none now
   */
  drainTo(place: () => ((call: Call) => Cancel) | undefined): void {
    for (const waiting of this.waiting) {
      const put = place();
      if (put === undefined) return;
      this.remove(waiting);
      waiting.stop = put(waiting.call);
    }
  }

  /** Fails all that wait. */
  fail(error: XtcpError): void {
    this.cut()(error);
  }

  /** Takes all out that wait. @returns what fails them */
  cut(): (error: XtcpError) => void {
    const all = [...this.waiting];
    for (const waiting of all) this.remove(waiting);
    return (error) => {
      for (const { call } of all) call.onError(error);
    };
  }

  private remove(waiting: Waiting<Call>): void {
    waiting.stopTimer();
    this.waiting.delete(waiting);
  }
}
