import type { Verdict } from '../check.js';
import { CONTENDERS } from '../contenders/contenders.js';
import { METRICS } from '../results.js';
import { formatRatio } from './format.js';

/** The targets that were missed, a line each, for a terminal. */
export function describeVerdicts(verdicts: readonly Verdict[]): string {
  const missed = verdicts.filter(({ isMet }) => !isMet);
  const count = `${verdicts.length - missed.length} of ${verdicts.length} targets are met\n`;
  return count + missed.map(describeVerdict).join('');
}

function describeVerdict({ target, measured }: Verdict): string {
  const { load, metric, against, atLeast } = target;
  const { title, better } = METRICS[metric];
  const unit = against === undefined ? '' : ` × ${CONTENDERS[against].label}`;
  const bound = better === 'more' ? 'at least' : 'at most';
  const is = measured === undefined ? 'was not measured' : `is ${formatRatio(measured)}${unit}`;
  return `  ${load}: ${title} ${is}, wanted ${bound} ${atLeast}${unit}\n`;
}
