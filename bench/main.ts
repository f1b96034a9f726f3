import { readFileSync, writeFileSync } from 'node:fs';

import { judge } from './check.js';
import { LOADS } from './loads/loads.js';
import { readOptions, USAGE, type BenchOptions } from './options.js';
import { summarize } from './report/summary.js';
import { describeVerdicts } from './report/verdicts.js';
import type { Results } from './results.js';
import { run } from './run/run.js';
import { TARGETS } from './targets.js';

// The other processes end with this one.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const options = readOptions(process.argv.slice(2));
if (options.help) process.stdout.write(USAGE);
else if (options.list) process.stdout.write(`${LOADS.map(({ name }) => name).join('\n')}\n`);
else report(await resultsOf(options), options);

async function resultsOf({ from, only, ...rest }: BenchOptions): Promise<Results> {
  if (from !== undefined) return JSON.parse(readFileSync(from, 'utf8')) as Results;
  const loads = LOADS.filter(({ name }) => only?.test(name) ?? true);
  return run(loads, { from, only, ...rest });
}

function report(results: Results, { json, check }: BenchOptions): void {
  const text = JSON.stringify(results, undefined, 2);
  if (json === '-') process.stdout.write(`${text}\n`);
  else process.stdout.write(summarize(results));
  if (json !== undefined && json !== '-') writeFileSync(json, `${text}\n`);
  if (!check) return;
  const verdicts = judge(TARGETS, results.loads);
  process.stderr.write(describeVerdicts(verdicts));
  if (verdicts.some(({ isMet }) => !isMet)) process.exitCode = 1;
}
