import { describe, expect, it } from 'vitest';

import { failedOf, judge } from '../../bench/check.js';
import { LOADS } from '../../bench/loads/loads.js';
import type { Figures, LoadResult } from '../../bench/results.js';
import { DECODER, TARGETS, type Target } from '../../bench/targets.js';

const FASTER: Target = {
  load: 'a load',
  contender: 'session',
  metric: 'rate',
  against: 'nest-tcp',
  atLeast: 4,
  aim: 6,
};
const SOONER: Target = { ...FASTER, metric: 'p99', atLeast: 0.5, aim: 0.3 };

/** One load in which both were measured. */
function loads(session: readonly Figures[], nest: readonly Figures[]): LoadResult[] {
  return [
    {
      name: 'a load',
      contenders: [
        { name: 'session', rounds: session },
        { name: 'nest-tcp', rounds: nest },
      ],
    },
  ];
}

describe('the check of the targets', () => {
  it('takes the median of the ratios of the rounds, not the ratio of the medians', () => {
    const results = loads([{ rate: 10 }, { rate: 40 }, { rate: 900 }], [{ rate: 1 }, { rate: 10 }, { rate: 100 }]);
    expect(judge([FASTER], results)).toEqual([
      { target: FASTER, measured: { low: 6.5, median: 9, high: 9.5 }, isMet: true },
    ]);
  });

  it.each([
    [FASTER, { rate: 40 }, { rate: 10 }, true],
    [FASTER, { rate: 39 }, { rate: 10 }, false],
    [SOONER, { p99: 5 }, { p99: 10 }, true],
    [SOONER, { p99: 6 }, { p99: 10 }, false],
  ])('holds %o to its bound: %o against %o', (target, session, nest, isMet) => {
    expect(judge([target], loads([session], [nest]))[0]?.isMet).toBe(isMet);
  });

  it('takes a figure by itself where it is a multiple of none', () => {
    const target = { ...FASTER, against: undefined, atLeast: 100 };
    expect(judge([target], loads([{ rate: 101 }], []))[0]).toMatchObject({ measured: { median: 101 }, isMet: true });
  });

  it('finds a target missed where either contender has no figures', () => {
    expect(judge([FASTER], loads([], [{ rate: 1 }]))[0]?.isMet).toBe(false);
    expect(judge([FASTER], loads([{ rate: 1 }], []))[0]?.isMet).toBe(false);
  });

  it('names who has none', () => {
    const [failing] = loads([], [{ rate: 1 }]);
    const [hanging] = loads([{ rate: 1 }], [{}]);
    expect(failedOf(FASTER, failing!)).toBe('session');
    expect(failedOf(FASTER, hanging!)).toBe('nest-tcp');
  });

  it('leaves out loads that were not run', () => {
    expect(judge([FASTER], [])).toEqual([]);
  });
});

describe('each target', () => {
  it.each(TARGETS.filter(({ load }) => load !== DECODER))('$load, $metric: is of a load that is run', (target) => {
    const load = LOADS.find(({ name }) => name === target.load);
    expect(load?.contenders).toContain(target.contender);
    expect(load?.contenders).toContain(target.against);
  });
});
