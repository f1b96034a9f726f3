import type { Load } from '../loads/loads.js';
import type { Pace } from '../results.js';

export interface MeasureOptions {
  readonly pace: Pace;
  /** Where all processes leave a CPU profile; undefined for none. */
  readonly profileFolder: string | undefined;
  /** Called with the milliseconds that the plan had for what has just been done. */
  readonly onDone: (plannedMs: number) => void;
}

/** Milliseconds that starting two processes takes, about. */
export const START_MS = 1500;
/** Milliseconds that opening an idle connection takes, about. */
export const OPEN_MS = 0.7;
/** There is little noise in what idle connections hold: more rounds would tell nothing. */
export const IDLE_ROUNDS = 3;

/** Milliseconds that a load takes, about. */
export function plannedMs({ contenders, work }: Load, { rounds, roundMs, warmUpMs, mostConnections }: Pace): number {
  const each =
    work.kind === 'idle'
      ? Math.min(rounds, IDLE_ROUNDS) * (START_MS + OPEN_MS * Math.min(work.connections, mostConnections))
      : START_MS + warmUpMs + rounds * roundMs;
  return contenders.length * each;
}
