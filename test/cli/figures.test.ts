import { createHistogram } from 'node:perf_hooks';

import { describe, expect, it } from 'vitest';

import { binsOf, type Bin } from '../../src/cli/bench/bins.js';
import { secondsOf } from '../../src/cli/bench/result.js';
import { formatBound, formatBytes, formatMs, formatNumber } from '../../src/cli/figures.js';
import { summarize } from '../../src/cli/schema-summary.js';
import { formatTable } from '../../src/cli/table.js';

function binned(...ms: number[]): Bin[] {
  const histogram = createHistogram({ figures: 3 });
  for (const one of ms) histogram.record(Math.round(one * 1e6));
  return binsOf(histogram);
}

describe('figures', () => {
  it('are rounded to what tells something', () => {
    expect([0, 7, 1.234, 12.34, 123.4, 1234, 1_234_567.8].map(formatNumber)).toEqual([
      '0',
      '7',
      '1.23',
      '12.3',
      '123',
      '1,234',
      '1,234,568',
    ]);
  });

  it('have the unit that fits', () => {
    expect([0.0123, 0.9996, 1, 12.34, 1234.5, 60_000].map(formatMs)).toEqual([
      '12 µs',
      '1.00 ms',
      '1 ms',
      '12.3 ms',
      '1.23 s',
      '60 s',
    ]);
    expect([0.15, 1.5, 20, 2000].map(formatBound)).toEqual(['150 µs', '1.5 ms', '20 ms', '2 s']);
    expect([0, 1023, 1536, 5 * 1024 ** 2].map(formatBytes)).toEqual(['0 B', '1,023 B', '1.50 KB', '5 MB']);
  });
});

describe('the bins of a histogram', () => {
  it('are none where there is nothing', () => {
    expect(binned()).toEqual([]);
  });

  it('count each latency once, in the bin that it belongs to', () => {
    expect(binned(1.05, 1.05, 1.15, 1.25)).toEqual([
      { fromMs: 1, toMs: 1.1, count: 2 },
      { fromMs: 1.1, toMs: 1.2, count: 1 },
      { fromMs: 1.2, toMs: 1.3, count: 1 },
    ]);
    expect(binned(5)).toEqual([{ fromMs: 5, toMs: 5.6, count: 1 }]);
  });

  it('are coarser, and no more, where latencies are spread', () => {
    const spread = [0.05, 0.7, 0.7, 3, 40, 700, 9000];
    const bins = binned(...spread);
    expect(bins.length).toBeLessThanOrEqual(16);
    expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(spread.length);
    for (const { fromMs, toMs, count } of bins) {
      expect(count).toBe(spread.filter((one) => one >= fromMs && one < toMs).length);
    }
  });

  it('lie without a gap from below the least to above the most', () => {
    const bins = binned(0.013, 2, 77);
    expect(bins[0]!.fromMs).toBeLessThanOrEqual(0.013);
    expect(bins.at(-1)!.toMs).toBeGreaterThan(77);
    expect(bins.slice(1).map(({ fromMs }) => fromMs)).toEqual(bins.slice(0, -1).map(({ toMs }) => toMs));
  });
});

describe('the time that a run counts for', () => {
  it.each([
    ['its duration', 1000, 3000, 1000 + 1900, 2000, 2],
    ['until the last answer, where that came later', 1000, 4000, 1000 + 2500, 2000, 2.5],
    ['not the wait for calls that are never answered', 1000, 31_000, 1000 + 1900, 2000, 2],
    ['less where it was ended early', 1000, 1500, 1000 + 400, 2000, 0.5],
    ['until the last answer of so many calls', 1000, 31_000, 1000 + 700, undefined, 0.7],
    ['all of it, where nothing was answered', 1000, 1500, -Infinity, undefined, 0.5],
  ])('is %s', (_what, startedAt, endedAt, lastSuccessAt, durationMs, seconds) => {
    expect(secondsOf(startedAt, endedAt, lastSuccessAt, durationMs)).toBe(seconds);
  });
});

describe('the summary of a JSON Schema', () => {
  it.each([
    [{ type: 'string', minLength: 3 }, 'string'],
    [true, 'any'],
    [{}, 'any'],
    [false, 'never'],
    [{ const: 'a' }, '"a"'],
    [{ type: 'string', enum: ['a', 'b'] }, '"a" | "b"'],
    [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, 'string | null'],
    [{ type: 'array', items: { type: 'number' } }, 'number[]'],
    [{ type: 'array' }, 'any[]'],
    [{ type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }] }, '[string, number]'],
    [{ type: 'object' }, 'object'],
    [{ type: 'object', additionalProperties: { type: 'number' } }, '{ [key]: number }'],
    [{ $ref: '#/$defs/Node' }, 'Node'],
    [
      {
        type: 'object',
        properties: { a: { type: 'object', properties: { b: { type: 'object', properties: { c: {} } } } } },
      },
      '{ a?: { b?: object } }',
    ],
  ])('%j is %s', (schema, summary) => {
    expect(summarize(schema)).toBe(summary);
  });

  it('is cut where it is long', () => {
    const properties = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`name${index}`, {}]));
    const summary = summarize({ type: 'object', properties });
    expect([summary.length, summary.at(-1)]).toEqual([60, '…']);
  });
});

describe('a table', () => {
  it('has its columns below each other, and is cut to the width where there is one', () => {
    const rows = [
      ['A', 'B'],
      ['longer', 'a text that is long'],
    ];
    expect(formatTable(rows)).toEqual(['A       B', 'longer  a text that is long']);
    expect(formatTable(rows, 12)).toEqual(['A       B', 'longer  a t…']);
  });
});
