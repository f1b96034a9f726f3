import type { Cancel, Clock } from '../clock/clock.js';
import { XtcpError } from '../errors/xtcp-error.js';

/** What a queue needs of a call: to tell it that it waited too long, or was turned away. */
interface Queued {
  /** The moment of the clock at which its caller gives it up by itself; undefined where there is none. */
  readonly deadline?: number | undefined;
  onError(error: XtcpError): void;
}

export interface QueueLimits {
  /** Milliseconds that a call waits; 0 for any time. */
  readonly queueTimeoutMs: number;
  /** Calls that wait at once. */
  readonly maxQueue: number;
}

/**
 * Takes a call back.
 * @returns why it still waited, where it did and there is no connection
 */
export type Withdraw = () => XtcpError | undefined | void;

interface Waiting<Call> {
  readonly call: Call;
  readonly stopTimer: Cancel;
  /** Takes the call out of the queue, or ends it where it went. */
  stop: Withdraw;
}

/** Calls that wait for a place, in order, each for a limited time. */
export class CallQueue<Call extends Queued> {
  private readonly waiting = new Set<Waiting<Call>>();

  /** @param trouble why there is no connection, while one that was lost is being opened again: UNAVAILABLE */
  constructor(
    private readonly limits: QueueLimits,
    private readonly clock: Clock,
    private readonly trouble: () => XtcpError | undefined = () => undefined,
  ) {}

  get isEmpty(): boolean {
    return this.waiting.size === 0;
  }

  add(call: Call): Withdraw {
    const { queueTimeoutMs, maxQueue } = this.limits;
    if (this.waiting.size >= maxQueue) {
      call.onError(this.trouble() ?? exhausted(`${maxQueue} calls wait for a connection already (maxQueue)`));
      return () => {};
    }
    const waiting: Waiting<Call> = {
      call,
      stopTimer: this.clock.after(queueTimeoutMs, () => {
        const trouble = this.trouble();
        // For a connection that comes back a call waits as long as its caller does.
        if (trouble !== undefined && call.deadline !== undefined) return;
        this.waiting.delete(waiting);
        call.onError(trouble ?? exhausted(`no connection was free within ${queueTimeoutMs} ms (queueTimeoutMs)`));
      }),
      stop: () => {
        this.remove(waiting);
        return this.trouble();
      },
    };
    this.waiting.add(waiting);
    return () => waiting.stop();
  }

  /**
   * Gives calls their places, the oldest first.
   * @param place finds a place and puts the call there, returning how to end it; undefined where there is none now
   */
  drainTo(place: () => ((call: Call) => Withdraw) | undefined): void {
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

function exhausted(message: string): XtcpError {
  return new XtcpError('RESOURCE_EXHAUSTED', message, { executed: false });
}
