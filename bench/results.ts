import type { ContenderName } from './contenders/contenders.js';
import type { Machine } from './machine.js';

/** What is measured of a contender, and what it means. */
export const METRICS = {
  /** Calls, events or items. */
  rate: { title: 'rate', unit: 'per second', better: 'more' },
  p50: { title: 'p50', unit: 'µs', better: 'less' },
  p99: { title: 'p99', unit: 'µs', better: 'less' },
  p999: { title: 'p99.9', unit: 'µs', better: 'less' },
  /** For each call, event or item. */
  clientCpu: { title: 'CPU of the client', unit: 'µs', better: 'less' },
  serverCpu: { title: 'CPU of the server', unit: 'µs', better: 'less' },
  cpu: { title: 'CPU of both sides', unit: 'µs', better: 'less' },
  /** JavaScript objects that the server holds for each connection. */
  heap: { title: 'server heap', unit: 'bytes', better: 'less' },
} as const;

export type Metric = keyof typeof METRICS;

/** Of one contender in one round. */
export type Figures = Readonly<Partial<Record<Metric, number>>>;

/** The most memory that each process had, in bytes. */
export interface PeakMemory {
  readonly client: number;
  readonly server: number;
}

export interface ContenderResult {
  readonly name: ContenderName;
  /** In the order of the rounds, which the contenders of a load have in common. */
  readonly rounds: readonly Figures[];
  readonly peakMemory?: PeakMemory | undefined;
  /** Why a round, or all of them, has no figures. */
  readonly error?: string | undefined;
}

export interface LoadResult {
  readonly name: string;
  readonly contenders: readonly ContenderResult[];
}

/** How long was measured. */
export interface Pace {
  readonly rounds: number;
  /** Milliseconds for each contender in each round; a stream that is under way is read to its end. */
  readonly roundMs: number;
  readonly warmUpMs: number;
  /** Idle connections at once. */
  readonly mostConnections: number;
}

/** All of a run: what `--json` writes. */
export interface Results {
  readonly machine: Machine;
  readonly pace: Pace;
  readonly loads: readonly LoadResult[];
}

/** A figure over the rounds. */
export interface Spread {
  readonly median: number;
  /** The quartiles. */
  readonly low: number;
  readonly high: number;
}

export function contenderOf(load: LoadResult, name: ContenderName): ContenderResult | undefined {
  return load.contenders.find((contender) => contender.name === name);
}

/** A metric over the rounds; undefined where it was not measured. */
export function figureOf(contender: ContenderResult | undefined, metric: Metric): Spread | undefined {
  return spreadOf(contender?.rounds.map((round) => round[metric]) ?? []);
}

/**
 * A metric of one contender as a multiple of another's, each round by itself: what disturbs the machine for a while
 * disturbs both.
 */
export function ratioOf(
  contender: ContenderResult | undefined,
  against: ContenderResult | undefined,
  metric: Metric,
): Spread | undefined {
  const ratios = contender?.rounds.map((round, index) => {
    const other = against?.rounds[index]?.[metric];
    const own = round[metric];
    return own === undefined || other === undefined ? undefined : own / other;
  });
  return spreadOf(ratios ?? []);
}

function spreadOf(values: readonly (number | undefined)[]): Spread | undefined {
  const sorted = values.filter((value) => value !== undefined).toSorted((a, b) => a - b);
  if (sorted.length === 0) return undefined;
  return { low: quantile(sorted, 0.25), median: quantile(sorted, 0.5), high: quantile(sorted, 0.75) };
}

/** Between the two values that are next to it, where there is none at that very place. */
function quantile(sorted: readonly number[], part: number): number {
  const place = (sorted.length - 1) * part;
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (above - below) * (place % 1);
}
