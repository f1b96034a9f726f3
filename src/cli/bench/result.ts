import type { XtcpErrorCode } from '../../errors/xtcp-error.js';
import { binsOf, type Bin } from './bins.js';
import type { Failures, Tally } from './tally.js';

const NS_PER_MS = 1e6;

/** Of the latency table, in order. */
export const PERCENTILES = { p50: 50, p75: 75, p90: 90, p99: 99, 'p99.9': 99.9 } as const;

export type Latency = Readonly<Record<'min' | 'mean' | keyof typeof PERCENTILES | 'max', number>>;

/** What was run. */
export interface Setting {
  readonly target: string;
  readonly pattern: string;
  readonly concurrency: number;
  readonly connections: number;
  /** Calls a second that were due; null where each was made behind another. */
  readonly rate: number | null;
}

/** What `xtcp bench --json` prints. */
export interface Result extends Setting {
  readonly seconds: number;
  /** Calls that ended, well or not. */
  readonly calls: number;
  readonly failed: number;
  readonly callsPerSecond: number;
  /** Milliseconds, of the calls that went well; null where none did. */
  readonly latencyMs: Latency | null;
  readonly histogram: readonly Bin[];
  readonly failures: Readonly<Partial<Record<XtcpErrorCode, Failures>>>;
  /** On the connections, all that belongs to a frame included. */
  readonly bytesPerSecond: { readonly sent: number; readonly received: number };
  /** With a rate: calls made over a millisecond late, by how many milliseconds at most, and calls not made at all. */
  readonly late: { readonly calls: number; readonly mostMs: number; readonly unsent: number } | null;
}

export function resultOf(
  setting: Setting,
  tally: Tally,
  seconds: number,
  bytes: { readonly sent: number; readonly received: number },
): Result {
  const { latencies } = tally;
  const percentiles = Object.entries(PERCENTILES).map(([name, percentile]) => [
    name,
    ms(latencies.percentile(percentile)),
  ]);
  return {
    ...setting,
    seconds,
    calls: tally.ended,
    failed: tally.failed,
    callsPerSecond: tally.succeeded / seconds,
    latencyMs:
      tally.succeeded === 0
        ? null
        : ({
            min: ms(latencies.min),
            mean: ms(latencies.mean),
            ...Object.fromEntries(percentiles),
            max: ms(latencies.max),
          } as Latency),
    histogram: binsOf(latencies),
    failures: Object.fromEntries([...tally.failures].toSorted(([, one], [, other]) => other.count - one.count)),
    bytesPerSecond: { sent: bytes.sent / seconds, received: bytes.received / seconds },
    late: setting.rate === null ? null : { calls: tally.late, mostMs: tally.latestMs, unsent: tally.unsent },
  };
}

/**
 * Seconds that a run counts for: until its time was up, or its last call was answered, whichever is later. What waited
 * in vain behind both says nothing of the rate.
 */
export function secondsOf(
  startedAt: number,
  endedAt: number,
  lastSuccessAt: number,
  durationMs: number | undefined,
): number {
  const all = endedAt - startedAt;
  const answered = lastSuccessAt - startedAt;
  const counted = durationMs === undefined ? answered : Math.max(answered, Math.min(durationMs, all));
  return (counted > 0 ? counted : all) / 1000;
}

function ms(nanoseconds: number): number {
  return nanoseconds / NS_PER_MS;
}
