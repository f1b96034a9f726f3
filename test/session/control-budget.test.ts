import { describe, expect, it } from 'vitest';

import { ControlBudget } from '../../src/session/control-budget.js';
import { FakeClock } from '../support/fake-clock.js';
import { codeOf } from './session-play.js';

/** A budget of ten frames a second, and how many may come now. */
function budgeting(): { clock: FakeClock; budget: ControlBudget; taken: () => number } {
  const clock = new FakeClock();
  const budget = new ControlBudget({ limits: { maxControlFramesPerSecond: 10 }, clock });
  const taken = (): number => {
    let count = 0;
    while (codeOf(() => budget.spend()) === undefined) count++;
    return count;
  };
  return { clock, budget, taken };
}

describe('frames that do no work', () => {
  it('may be as many as come in a second; one more is too many', () => {
    const { budget, taken } = budgeting();
    expect(taken()).toBe(10);
    expect(codeOf(() => budget.spend())).toBe('RESOURCE_EXHAUSTED');
  });

  it('may be as many again a second later, and no more after a longer time', () => {
    for (const ms of [1000, 1_000_000]) {
      const { budget, clock, taken } = budgeting();
      for (let count = 0; count < 10; count++) budget.spend();
      clock.advance(ms);
      expect(taken()).toBe(10);
    }
  });

  it('may come at the rate without end', () => {
    const { budget, clock } = budgeting();
    for (let count = 0; count < 1000; count++) {
      expect(codeOf(() => budget.spend())).toBeUndefined();
      clock.advance(100);
    }
  });

  it('may be two more for each call and item', () => {
    const { budget, taken } = budgeting();
    budget.earn();
    budget.earn();
    expect(taken()).toBe(14);
  });

  it('may be as many more as may be under way', () => {
    const { budget, taken } = budgeting();
    budget.allow(100);
    expect(taken()).toBe(110);
  });
});
