import type { ContenderName } from './contenders/contenders.js';
import type { Metric } from './results.js';

/** What the library is to reach, and what it aims at. */
export interface Target {
  readonly load: string;
  readonly contender: ContenderName;
  readonly metric: Metric;
  /** Whose figure the others are multiples of; undefined where they are figures by themselves. */
  readonly against: ContenderName | undefined;
  /** Where less is better, this is the most that it may be. */
  readonly atLeast: number;
  readonly aim: number | string;
}

/** The measurement of the decoder alone, see bench/micro. */
export const DECODER = 'decoder, 32 B frames to strings';

export const TARGETS: readonly Target[] = [
  session('32 B × 1', 'rate', 'nest-tcp', 1.4, 1.7),
  session('32 B × 1', 'p50', 'nest-tcp', 0.75, 0.65),
  session('32 B × 64', 'rate', 'nest-tcp', 4.5, 6),
  session('32 B × 512', 'rate', 'nest-tcp', 5.5, 7.5),
  session('32 B × 64', 'p99', 'nest-tcp', 0.45, 0.35),
  session('32 B × 512', 'p99', 'nest-tcp', 0.3, 0.1),
  session('32 B × 64', 'cpu', 'nest-tcp', 0.33, 0.22),
  session('32 B × 512', 'cpu', 'nest-tcp', 0.33, 0.22),
  session('1 KB string × 64', 'rate', 'nest-tcp', 4, 5.5),
  session('1 KB object × 64', 'rate', 'nest-tcp', 2, 2.9),
  session('64 KB string × 16', 'rate', 'nest-tcp', 3, 4.2),
  session('1 MB string × 4', 'rate', 'nest-tcp', 2.8, 3.8),
  session('64 KB Buffer × 16', 'rate', 'nest-tcp', 18, 28),
  session('1 MB Buffer × 4', 'rate', 'nest-tcp', 25, 44),
  session('32 B × 1', 'rate', 'limit', 0.75, 0.9),
  session('32 B × 64', 'rate', 'limit', 0.75, 0.9),
  session('32 B × 512', 'rate', 'limit', 0.75, 0.9),
  session('1 KB string × 64', 'rate', 'limit', 0.75, 0.9),
  session('1 KB object × 64', 'rate', 'limit', 0.75, 0.9),
  { ...session('deadline and metadata, 32 B × 64', 'rate', 'session', 0.8, 0.9), contender: 'session-record' },
  session('idle connections', 'heap', 'nest-tcp', 0.85, 'a bare socket + 0.4 KB'),
  session('stream of 100,000 × 32 B', 'rate', 'nest-tcp', 5, 8),
  session(DECODER, 'rate', undefined, 4_000_000, 6_000_000),
];

function session(
  load: string,
  metric: Metric,
  against: ContenderName | undefined,
  atLeast: number,
  aim: number | string,
): Target {
  return { load, contender: 'session', metric, against, atLeast, aim };
}
