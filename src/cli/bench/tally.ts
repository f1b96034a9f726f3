import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

import type { XtcpError, XtcpErrorCode } from '../../errors/xtcp-error.js';

const NS_PER_MS = 1e6;

/** Calls that failed with one code. */
export interface Failures {
  count: number;
  /** What the first of them said. */
  readonly message: string;
}

/** What came of the calls of one run. */
export class Tally {
  /** Nanoseconds that the calls took which went well. */
  readonly latencies: RecordableHistogram = createHistogram({ figures: 3 });
  readonly failures = new Map<XtcpErrorCode, Failures>();
  succeeded = 0;
  /** The moment at which the last of these was answered. */
  lastSuccessAt = -Infinity;
  failed = 0;
  /** Calls that were made over a millisecond behind the time at which they were due, and the most of it. */
  late = 0;
  latestMs = 0;
  /** Calls that were due and not made at all, since the time was up. */
  unsent = 0;

  get ended(): number {
    return this.succeeded + this.failed;
  }

  /** @param now the moment at which it was answered */
  success(ms: number, now: number): void {
    this.succeeded++;
    this.lastSuccessAt = now;
    const ns = Math.round(ms * NS_PER_MS);
    this.latencies.record(ns > 0 ? ns : 1);
  }

  failure({ code, message }: XtcpError): void {
    this.failed++;
    const known = this.failures.get(code);
    if (known === undefined) this.failures.set(code, { count: 1, message });
    else known.count++;
  }

  sentLate(ms: number): void {
    this.late++;
    if (ms > this.latestMs) this.latestMs = ms;
  }
}
