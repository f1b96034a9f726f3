import { readFileSync, writeFileSync } from 'node:fs';

import { judge } from './check.js';
import { LOADS } from './loads/loads.js';
import { readOptions, USAGE, type BenchOptions } from './options.js';
import { summarize } from './report/summary.js';
import { describeVerdicts } from './report/verdicts.js';
import { writeDocs } from './report/write-docs.js';
import type { Results } from './results.js';
import { measureDecoderAlone } from './run/decoder.js';
import { run } from './run/run.js';
import { DECODER, TARGETS } from './targets.js';

// The other processes end with this one.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const options = readOptions(process.argv.slice(2));
if (options.help) process.stdout.write(USAGE);
else if (options.list) process.stdout.write(`${LOADS.map(({ name }) => name).join('\n')}\n`);
else report(await resultsOf(options), options);

async function resultsOf({ from, only }: BenchOptions): Promise<Results> {
  if (from !== undefined) return JSON.parse(readFileSync(from, 'utf8')) as Results;
  const isAsked = (name: string): boolean => only?.test(name) ?? true;
  const results = await run(
    LOADS.filter(({ name }) => isAsked(name)),
    options,
  );
  const decoder = isAsked(DECODER) ? await measureDecoderAlone(results.pace) : undefined;
  return decoder === undefined ? results : { ...results, loads: [...results.loads, decoder] };
}

function report(results: Results, { json, check, writesDocs }: BenchOptions): void {
  const text = JSON.stringify(results, undefined, 2);
  if (json === '-') process.stdout.write(`${text}\n`);
  else process.stdout.write(summarize(results));
  if (json !== undefined && json !== '-') writeFileSync(json, `${text}\n`);
  if (writesDocs) writeDocs(results);
  if (!check) return;
  const verdicts = judge(TARGETS, results.loads);
  process.stderr.write(describeVerdicts(verdicts));
  if (verdicts.some(({ isMet }) => !isMet)) process.exitCode = 1;
}
