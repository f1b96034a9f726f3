import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { caseOf, inputOf, readCases } from './cases.js';
import { round, TARGET_NAMES, targets } from './targets.js';

/** A round of its own each time; a failure says the seed that brings it back: FUZZ_SEED. */
const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = { decoder: 300, 'server session': 300, 'client session': 300, 'live server': 25 } as const;

const all = targets();
const kept = readCases(join(import.meta.dirname, 'cases'));

describe.each(TARGET_NAMES)('a %s, whatever it is fed', (name) => {
  test(`keeps to what has to hold (seed ${seed})`, async () => {
    const target = all[name];
    await target.start?.();
    try {
      const finding = await round(target, seed, RUNS[name]);
      const message = finding && `${finding.error.stack}\n${JSON.stringify(caseOf(name, '?', finding.input))}`;
      expect(message).toBeUndefined();
    } finally {
      await target.stop?.();
    }
  }, 30_000);
});

describe('what fuzzing found once', () => {
  const live = targets()['live server'];
  beforeAll(() => live.start?.());
  afterAll(() => live.stop?.());

  test.each(kept)('%s holds now', async (_file, found) => {
    const target = found.target === 'live server' ? live : all[found.target];
    await expect((async () => target.check(inputOf(found)))()).resolves.toBeUndefined();
  });
});
