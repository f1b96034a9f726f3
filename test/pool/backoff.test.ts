import { describe, expect, it } from 'vitest';

import { Backoff } from '../../src/pool/backoff.js';

/** The first delays of a backoff whose random numbers are all the same. */
function delays(backoff: Backoff, count: number): number[] {
  return Array.from({ length: count }, () => backoff.next());
}

describe('the delays of a backoff', () => {
  it('double with each failure, up to the most', () => {
    expect(delays(new Backoff(100, 1000, () => 0.5), 6)).toEqual([50, 100, 200, 400, 500, 500]);
  });

  it('are a random part of their bounds, at least a millisecond, since 0 is no time at all to a clock', () => {
    expect(delays(new Backoff(100, 1000, () => 0), 3)).toEqual([1, 1, 1]);
    expect(delays(new Backoff(100, 1000, () => 0.999_999), 5)).toEqual([100, 200, 400, 800, 1000]);
    const random = [0.1, 0.9, 0.5];
    expect(delays(new Backoff(100, 1000, () => random.shift() ?? 0), 3)).toEqual([10, 180, 200]);
  });

  it('are whole milliseconds', () => {
    expect(new Backoff(3, 1000, () => 0.5).next()).toBe(2);
  });

  it('begin anew behind an attempt that went well', () => {
    const backoff = new Backoff(100, 1000, () => 0.5);
    delays(backoff, 3);
    backoff.reset();
    expect(delays(backoff, 2)).toEqual([50, 100]);
  });

  it('are within the most from the first, where that is less than the least', () => {
    expect(delays(new Backoff(100, 10, () => 0.5), 2)).toEqual([5, 5]);
  });

  it('stay at the most however many there were', () => {
    const backoff = new Backoff(100, 1000, () => 0.5);
    expect(delays(backoff, 5000).at(-1)).toBe(500);
  });

  it('are chosen at random where nothing else is given', () => {
    for (let count = 0; count < 100; count++) {
      const delay = new Backoff(100, 1000).next();
      expect(delay).toBeGreaterThanOrEqual(1);
      expect(delay).toBeLessThanOrEqual(100);
    }
  });
});
