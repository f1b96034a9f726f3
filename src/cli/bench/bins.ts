import type { RecordableHistogram } from 'node:perf_hooks';

const NS_PER_MS = 1e6;
const MOST_BINS = 16;

/** Where bins begin within a power of ten, from fine to coarse. */
const SCALES: readonly (readonly number[])[] = [
  [1, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2, 2.2, 2.5, 2.8, 3.2, 3.6, 4, 4.5, 5, 5.6, 6.3, 7, 8, 9],
  [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8],
  [1, 1.5, 2, 3, 5, 7],
  [1, 2, 5],
  [1, 3],
  [1],
];

/** Calls whose latency is at least `fromMs`, and below `toMs`. */
export interface Bin {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/** Latencies in bins of round bounds, each wider than the one before, as few as fit on a screen. */
export function binsOf(latencies: RecordableHistogram): Bin[] {
  if (latencies.count === 0) return [];
  const [least, most] = [latencies.min / NS_PER_MS, latencies.max / NS_PER_MS];
  let bounds: number[] = [];
  for (const scale of SCALES) {
    bounds = boundsOf(scale, least, most);
    if (bounds.length - 1 <= MOST_BINS) break;
  }
  let below = 0;
  const bins = bounds.slice(1).map((toMs, index) => {
    const uptoHere = countBelow(latencies, toMs * NS_PER_MS);
    const bin = { fromMs: bounds[index]!, toMs, count: uptoHere - below };
    below = uptoHere;
    return bin;
  });
  // The histogram's own steps may put the least or the most over the next bound.
  const first = bins.findIndex((bin) => bin.count > 0);
  const last = bins.findLastIndex((bin) => bin.count > 0);
  return bins.slice(first, last + 1);
}

/** Bounds of which the first is at or below `least`, the last above `most`. */
function boundsOf(scale: readonly number[], least: number, most: number): number[] {
  const bounds: number[] = [];
  for (let power = Math.floor(Math.log10(least)) - 1; ; power++) {
    for (const step of scale) {
      const bound = Number((step * 10 ** power).toPrecision(3));
      // Only the last one at or below the least is needed.
      if (bound <= least) bounds.length = 0;
      bounds.push(bound);
      if (bound > most) return bounds;
    }
  }
}

/** How many are below `nanoseconds`: the histogram tells what is at a rank, and this finds the rank. */
function countBelow(latencies: RecordableHistogram, nanoseconds: number): number {
  const { count } = latencies;
  let [low, high] = [0, count];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (latencies.percentile((middle / count) * 100) < nanoseconds) low = middle;
    else high = middle - 1;
  }
  return low;
}
