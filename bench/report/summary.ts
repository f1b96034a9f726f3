import { CONTENDERS } from '../contenders/contenders.js';
import {
  contenderOf,
  figureOf,
  METRICS,
  ratioOf,
  type ContenderResult,
  type LoadResult,
  type Metric,
  type Results,
} from '../results.js';
import { describeFailure, formatBytes, formatFigure, formatRatio } from './format.js';

const LABEL_WIDTH = 28;

/** The figures of a run for a terminal. */
export function summarize({ loads }: Results): string {
  return loads.map(summarizeLoad).join('\n');
}

function summarizeLoad(load: LoadResult): string {
  return `${load.name}\n${load.contenders.map((contender) => summarizeContender(load, contender)).join('')}`;
}

function summarizeContender(load: LoadResult, contender: ContenderResult): string {
  const label = CONTENDERS[contender.name].label.padEnd(LABEL_WIDTH);
  const figures = (Object.keys(METRICS) as Metric[]).flatMap((metric) => {
    const spread = figureOf(contender, metric);
    return spread === undefined ? [] : [`${METRICS[metric].title} ${formatFigure(metric, spread.median)}`];
  });
  const main = figureOf(contender, 'heap') === undefined ? 'rate' : 'heap';
  const ratio = ratioOf(contender, contenderOf(load, 'nest-tcp'), main);
  const memory = contender.peakMemory;
  return `  ${label}${[
    ...(ratio === undefined ? [] : [`${formatRatio(ratio)} × Nest TCP`]),
    ...figures,
    ...(memory === undefined ? [] : [`memory ${formatBytes(memory.client)}, ${formatBytes(memory.server)}`]),
    ...(contender.error === undefined ? [] : [describeFailure(contender)]),
  ].join(', ')}\n`;
}
