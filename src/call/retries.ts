import type { Cancel, Clock } from '../clock/clock.js';
import type { XtcpError } from '../errors/xtcp-error.js';
import { Backoff } from '../pool/backoff.js';

export interface RetryLimits {
  /** How often one call is made again. */
  readonly retries: number;
  /** Calls made again, as a share of all calls. */
  readonly retryShare: number;
}

/** Milliseconds over which calls are counted. */
const WINDOW_MS = 10_000;
/** Calls that may be made again within {@link WINDOW_MS}, however few there are in all. */
const AT_LEAST = 100;
/** Bounds of the wait before a call is made again, in milliseconds. */
const LEAST_DELAY_MS = 25;
const MOST_DELAY_MS = 1000;

/**
 * Which calls of a client are made again. Where all fail, making each again would only add to the trouble: so no more
 * than a share of them is.
 */
export class Retries {
  private calls = 0;
  private repeated = 0;
  private since: number;
  private closed = false;
  /** Those that wait to be made again: what fails each. */
  private readonly waiting = new Set<(error: XtcpError) => void>();

  constructor(
    private readonly limits: RetryLimits,
    private readonly clock: Clock,
  ) {
    this.since = clock.now();
  }

  /**
   * Makes a call again in a while.
   * @param fail what tells the call where the client is closed meanwhile
   * @returns what to call when it is not wanted any more
   */
  wait(ms: number, attempt: () => void, fail: (error: XtcpError) => void): Cancel {
    const stopTimer = this.clock.after(ms, () => {
      this.waiting.delete(fail);
      attempt();
    });
    this.waiting.add(fail);
    return () => {
      stopTimer();
      this.waiting.delete(fail);
    };
  }

  /** Fails the calls that wait, and lets none wait from here on. */
  close(error: XtcpError): void {
    this.closed = true;
    for (const fail of this.waiting) fail(error);
  }

  /** Calls may be made again once more. */
  reopen(): void {
    this.closed = false;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /** A call is made for the first time. */
  countCall(): void {
    this.calls++;
  }

  /** What decides about making one call again. */
  attempts(): Attempts {
    return new Attempts(this.limits.retries, () => this.take());
  }

  private take(): boolean {
    const now = this.clock.now();
    const passed = now - this.since;
    if (passed >= WINDOW_MS) {
      // What came over a longer time counts by its rate.
      this.calls *= WINDOW_MS / passed;
      this.repeated = 0;
      this.since = now;
    }
    if (this.repeated >= AT_LEAST + this.limits.retryShare * this.calls) return false;
    this.repeated++;
    return true;
  }
}

/** The attempts at one call. */
export class Attempts {
  private readonly backoff = new Backoff(LEAST_DELAY_MS, MOST_DELAY_MS);

  constructor(
    private left: number,
    private readonly take: () => boolean,
  ) {}

  /**
   * Whether a call that failed is made again: only where it certainly did not run because the server or the connection
   * was in no state to run it, or where its caller said that running it twice does no harm.
   * @returns milliseconds to wait before; undefined where it is not
   */
  again(error: XtcpError, isIdempotent: boolean): number | undefined {
    const isSafe =
      error.executed === false
        ? error.code === 'UNAVAILABLE' || error.code === 'RESOURCE_EXHAUSTED'
        : isIdempotent && error.code === 'UNAVAILABLE';
    if (!isSafe || this.left === 0 || !this.take()) return undefined;
    this.left--;
    return this.backoff.next();
  }
}
