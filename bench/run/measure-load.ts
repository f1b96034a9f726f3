import type { Load } from '../loads/loads.js';
import type { LoadResult } from '../results.js';
import { Entrant } from './entrant.js';
import { measureIdle } from './measure-idle.js';
import { measureRounds } from './measure-rounds.js';
import type { MeasureOptions } from './plan.js';

/** Lets the contenders of a load take turns, round by round. */
export async function measureLoad(
  { name, work, contenders, isOverTls }: Load,
  options: MeasureOptions,
): Promise<LoadResult> {
  const entrants = contenders.map((contender) => new Entrant(contender));
  try {
    if (work.kind === 'idle') await measureIdle(work, entrants, options);
    else await measureRounds(work, entrants, isOverTls ?? false, options);
  } finally {
    await Promise.all(entrants.map((entrant) => entrant.stop()));
  }
  return { name, contenders: entrants.map(({ result }) => result) };
}
