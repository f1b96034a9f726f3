import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import type { Results } from '../../bench/results.js';
import { built } from '../package/dist.js';
import { ROOT, runProgram } from '../package/processes.js';

const TIMEOUT_MS = 120_000;

describe('npm run bench', { timeout: TIMEOUT_MS }, () => {
  it('measures a load of all contenders, each round', async () => {
    built('index.js');
    // As its prebench does, without building what other tests are using.
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    expect(await runProgram(process.execPath, [compiler, '-p', 'tsconfig.bench.json'])).toMatchObject({ code: 0 });
    const bench = join(ROOT, '.tmp/bench/bench/main.js');
    const { code, stdout } = await runProgram(process.execPath, [
      bench,
      '--quick',
      '--only',
      '^32 B × 1$',
      '--json',
      '-',
    ]);
    expect(code).toBe(0);
    const { pace, loads } = JSON.parse(stdout) as Results;
    expect(loads.map(({ name }) => name)).toEqual(['32 B × 1']);
    const [{ contenders } = { contenders: [] }] = loads;
    expect(contenders.map(({ error }) => error)).toEqual(contenders.map(() => undefined));
    expect(contenders.map(({ rounds }) => rounds.length)).toEqual(contenders.map(() => pace.rounds));
    const rates = contenders.flatMap(({ rounds }) => rounds.map(({ rate }) => rate));
    expect(rates.filter((rate) => rate === undefined || !(rate > 0))).toEqual([]);
  });
});
