import { createHistogram } from 'node:perf_hooks';

/** More than a round of any load has; bounds what is held. */
const MOST = 1 << 20;
const NS_PER_MS = 1e6;
const NS_PER_US = 1e3;

/** Microseconds within which so many of the calls were answered. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** How long calls took. Adding one costs next to nothing, so that it does not show in what is measured. */
export class Latencies {
  private readonly milliseconds = new Float64Array(MOST);
  private count = 0;

  add(milliseconds: number): void {
    if (this.count < MOST) this.milliseconds[this.count++] = milliseconds;
  }

  percentiles(): Percentiles {
    const histogram = createHistogram({ figures: 3 });
    for (let index = 0; index < this.count; index++) {
      histogram.record(Math.max(1, Math.round(this.milliseconds[index]! * NS_PER_MS)));
    }
    const us = (percentile: number): number => histogram.percentile(percentile) / NS_PER_US;
    return { p50: us(50), p99: us(99), p999: us(99.9) };
  }
}
