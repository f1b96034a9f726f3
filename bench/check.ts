import type { ContenderName } from './contenders/contenders.js';
import { contenderOf, figureOf, METRICS, ratioOf, type LoadResult, type Spread } from './results.js';
import type { Target } from './targets.js';

/** A target and what was measured of it. */
export interface Verdict {
  readonly target: Target;
  /** Undefined where the load gave no figures. */
  readonly measured: Spread | undefined;
  readonly isMet: boolean;
}

/** Judges the targets whose loads were run, by the medians. */
export function judge(targets: readonly Target[], loads: readonly LoadResult[]): Verdict[] {
  return targets.flatMap((target) => {
    const load = loads.find(({ name }) => name === target.load);
    if (load === undefined) return [];
    const measured = measuredOf(target, load);
    return [{ target, measured, isMet: measured !== undefined && isReached(target, measured.median) }];
  });
}

function measuredOf({ contender, against, metric }: Target, load: LoadResult): Spread | undefined {
  const own = contenderOf(load, contender);
  return against === undefined ? figureOf(own, metric) : ratioOf(own, contenderOf(load, against), metric);
}

/** Which of the two that a target compares gave no figures. */
export function failedOf({ contender, against, metric }: Target, load: LoadResult): ContenderName | undefined {
  return [contender, against].find(
    (name) => name !== undefined && figureOf(contenderOf(load, name), metric) === undefined,
  );
}

function isReached({ metric, atLeast }: Target, median: number): boolean {
  return METRICS[metric].better === 'more' ? median >= atLeast : median <= atLeast;
}
