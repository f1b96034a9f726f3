import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { CallTable } from '../../src/session/call-table.js';

interface Call {
  readonly id: number;
}

/** What is done to a table: a call is added, so far above the one before; or one that was added is removed or asked for. */
type Step = { readonly gap: number } | { readonly remove: number } | { readonly get: number };

// The last few are those that end soon; any may be one that is long gone.
const which = fc.oneof(fc.nat(3), fc.nat(200));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ gap: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 70 })) }) },
  { weight: 3, arbitrary: fc.record({ remove: which }) },
  { weight: 1, arbitrary: fc.record({ get: which }) },
);

/** Fails where a table and the Map that it stands for differ. */
function expectSame(table: CallTable<Call>, map: ReadonlyMap<number, Call>, last: number): void {
  expect(table.size).toBe(map.size);
  expect(table.values()).toEqual([...map.values()]);
  for (const [id, call] of map) expect(table.get(id)).toBe(call);
  for (const id of [0, -1, last + 1, last + 16, last + 32]) expect(table.get(id)).toBeUndefined();
}

test('a table of calls is a map of them', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.array(step, { maxLength: 120 }), (start, steps) => {
      const table = new CallTable<Call>();
      const map = new Map<number, Call>();
      const ids: number[] = [];
      let last = start;
      for (const one of steps) {
        if ('gap' in one) {
          last += one.gap;
          ids.push(last);
          const call = { id: last };
          table.add(call);
          map.set(last, call);
          continue;
        }
        const back = 'remove' in one ? one.remove : one.get;
        const id = ids.at(-1 - back) ?? last + 1;
        expect(table.get(id)).toBe(map.get(id));
        if (!('remove' in one)) continue;
        expect(table.remove(id)).toBe(map.get(id));
        map.delete(id);
        expect([table.get(id), table.remove(id)]).toEqual([undefined, undefined]);
      }
      expectSame(table, map, last);
    }),
    { numRuns: 300 },
  );
});

test('calls that last are found among the many that come and go', () => {
  const table = new CallTable<Call>();
  const lasting = new Map<number, Call>();
  const wrong: number[] = [];
  for (let id = 1; id <= 20_000; id++) {
    const call = { id };
    table.add(call);
    // Some at the slots of others that last, some side by side.
    if (id % 1024 === 1 || id % 4096 === 7) lasting.set(id, call);
    if (id > 3 && !lasting.has(id - 3) && table.remove(id - 3)?.id !== id - 3) wrong.push(id - 3);
  }
  expect(wrong).toEqual([]);
  for (const id of [19_998, 19_999, 20_000]) table.remove(id);
  expectSame(table, lasting, 20_000);
  for (const id of lasting.keys()) expect(table.remove(id)?.id).toBe(id);
  expectSame(table, new Map(), 20_000);
});

test('a table does not grow with the number of calls that went through it', () => {
  const table = new CallTable<Call>();
  for (let id = 1; id <= 10_000; id++) {
    table.add({ id });
    table.remove(id);
  }
  expect((table as unknown as { slots: unknown[] }).slots.length).toBeLessThanOrEqual(16);
});
