import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { Deadlines, type Expiring } from '../../src/clock/deadlines.js';
import { FakeClock } from '../support/fake-clock.js';

/** Something with a deadline, which writes down when it was over. */
class Call implements Expiring {
  deadlineSlot = -1;
  readonly over: number[] = [];

  constructor(
    private readonly clock: FakeClock,
    readonly deadline: number | undefined,
    private readonly then: () => void = () => {},
  ) {}

  onDeadline(): void {
    this.over.push(this.clock.now());
    this.then();
  }
}

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ inMs: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constant(50.5)) }) },
  { weight: 2, arbitrary: fc.record({ remove: fc.nat(40) }) },
  { weight: 2, arbitrary: fc.record({ pass: fc.integer({ min: 1, max: 60 }) }) },
);

test('each is over once, at its moment or within a millisecond behind it, and never where it was removed', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const clock = new FakeClock();
      const deadlines = new Deadlines(clock);
      const calls: Call[] = [];
      const removed = new Set<Call>();
      for (const one of steps) {
        if ('inMs' in one) {
          const call = new Call(clock, clock.now() + one.inMs);
          calls.push(call);
          deadlines.add(call);
        } else if ('remove' in one) {
          const call = calls[one.remove];
          if (call === undefined) continue;
          deadlines.remove(call);
          if (call.over.length === 0) removed.add(call);
        } else {
          clock.advance(one.pass);
        }
        expect(clock.timersSet).toBeLessThanOrEqual(1);
        // Of what is due, nothing is late: fake time stops at each timer.
        const late = calls.filter((call) => !removed.has(call) && clock.now() >= call.deadline! + 1);
        expect(late.every(({ over }) => over.length === 1)).toBe(true);
      }
      clock.advance(1000);
      for (const call of calls) {
        expect(call.over).toHaveLength(removed.has(call) ? 0 : 1);
        for (const at of call.over) {
          expect(at).toBeGreaterThanOrEqual(call.deadline!);
          expect(at).toBeLessThan(call.deadline! + 1);
        }
      }
      expect(clock.timersSet).toBe(0);
    }),
  );
});

describe('deadlines', () => {
  test('need one timer, set anew only for one that is due before all others, and keep no process alive', () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    expect(clock.timersSet).toBe(0);
    for (const inMs of [500, 900, 200, 700]) {
      deadlines.add(new Call(clock, inMs));
      expect([clock.timersSet, clock.pending]).toEqual([1, 0]);
    }
  });

  test('do nothing for what has none', () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const call = new Call(clock, undefined);
    deadlines.add(call);
    deadlines.remove(call);
    expect([clock.timersSet, call.deadlineSlot]).toEqual([0, -1]);
  });

  test('that have passed already are over a millisecond later, not at once', () => {
    const clock = new FakeClock();
    clock.advance(100);
    const deadlines = new Deadlines(clock);
    const call = new Call(clock, 50);
    deadlines.add(call);
    expect(call.over).toEqual([]);
    clock.advance(1);
    expect(call.over).toEqual([101]);
  });

  test('of others that one ends when it is over are none any more', () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const others: Call[] = [];
    const endOthers = (): void => {
      for (const call of others) deadlines.remove(call);
    };
    const before = new Call(clock, 10);
    const first = new Call(clock, 10, endOthers);
    deadlines.add(before);
    deadlines.add(first);
    for (const deadline of [10, 10, 11, 500]) {
      const call = new Call(clock, deadline);
      others.push(call);
      deadlines.add(call);
    }
    const last = new Call(clock, 10);
    deadlines.add(last);
    clock.advance(10);
    expect([before, first, last].map(({ over }) => over)).toEqual([[10], [10], [10]]);
    clock.advance(1000);
    expect(others.flatMap(({ over }) => over)).toEqual([]);
    expect(clock.timersSet).toBe(0);
  });

  test('of others that one moves on when it is over are not over yet', () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const over: number[] = [];
    const other = { deadline: 10, deadlineSlot: -1, onDeadline: (): void => void over.push(clock.now()) };
    const first = new Call(clock, 10, () => {
      other.deadline = 25;
    });
    deadlines.add(first);
    deadlines.add(other);
    clock.advance(24);
    expect([first.over, over]).toEqual([[10], []]);
    clock.advance(1);
    expect(over).toEqual([25]);
  });

  test('may be added anew by what they ended', () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const over: number[] = [];
    const again = {
      deadline: 10,
      deadlineSlot: -1,
      onDeadline: (): void => {
        over.push(clock.now());
        again.deadline = clock.now() + 10;
        if (over.length < 3) deadlines.add(again);
      },
    };
    deadlines.add(again);
    clock.advance(1000);
    expect([over, again.deadlineSlot, clock.timersSet]).toEqual([[10, 20, 30], -1, 0]);
  });

  test('that are added when one is over hold', () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const late = new Call(clock, 300);
    const next = new Call(clock, 20);
    deadlines.add(late);
    deadlines.add(
      new Call(clock, 10, () => {
        deadlines.add(next);
      }),
    );
    clock.advance(10);
    expect(clock.timersSet).toBe(1);
    clock.advance(10);
    expect([next.over, clock.timersSet]).toEqual([[20], 1]);
    clock.advance(280);
    expect([late.over, clock.timersSet]).toEqual([[300], 0]);
  });
});
