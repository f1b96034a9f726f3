import type { Scope } from './scope.js';
import type { Clock } from '../clock/clock.js';
import type { XtcpError, XtcpErrorCode } from '../errors/xtcp-error.js';

/** How a call ended: with an answer, or with an error of that code. */
export type CallOutcome = 'OK' | XtcpErrorCode;

/** What is the same of a call as either side tells of it. */
export abstract class ObservedCall {
  /** Bytes of the payloads that went and came; of a stream, of its items. */
  sentBytes = 0;
  receivedBytes = 0;
  /** Set before the end is told. */
  outcome: CallOutcome | undefined;
  /** Of a call that failed: what its caller is told. Its message has no payload in it. */
  error: XtcpError | undefined;
  /** Milliseconds that it took; set before the end is told. */
  durationMs: number | undefined;
  private readonly startedAt: number;
  private outer: Scope | undefined;

  constructor(
    readonly kind: 'call' | 'event',
    protected readonly clock: Clock,
  ) {
    this.startedAt = clock.now();
  }

  /**
   * For a subscriber of the start, at once: runs within `scope` what the application does for the call, which is a
   * server's handlers, or a client's `subscribe` callbacks, `onMetadata` and the start of the data that it streams.
   */
  runWithin(scope: Scope): void {
    this.outer = this.scopeAround(scope);
  }

  /** For the transport: `scope` within those that subscribers asked for. @internal */
  scopeAround(scope: Scope): Scope {
    const { outer } = this;
    return outer === undefined ? scope : (run) => outer(() => scope(run));
  }

  /** For the transport: what subscribers asked for; undefined where none did. @internal */
  get scope(): Scope | undefined {
    return this.outer;
  }

  /** For the transport. @internal */
  sent(bytes: number): void {
    this.sentBytes += bytes;
  }

  /** For the transport. @internal */
  received(bytes: number): void {
    this.receivedBytes += bytes;
  }

  /** For the transport: how it ended, and when; the first that is said counts. @internal */
  ended(error: XtcpError | undefined): void {
    if (this.outcome !== undefined) return;
    this.outcome = error?.code ?? 'OK';
    this.error = error;
    this.durationMs = this.clock.now() - this.startedAt;
  }
}
