import { describe, expect, it } from 'vitest';

import { Inbox } from '../../src/session/inbox.js';

const DONE = { done: true, value: undefined };
const item = (value: unknown): unknown => ({ done: false, value });

/** An inbox, what was taken of it, and how often its reader left. */
function inbox(): { box: Inbox; taken: unknown[]; left: () => number; push: (...values: unknown[]) => void } {
  let left = 0;
  const taken: unknown[] = [];
  const box = new Inbox(() => left++);
  const pushed: unknown[] = [];
  const take = (): void => {
    taken.push(pushed[taken.length]);
  };
  const push = (...values: unknown[]): void => {
    for (const value of values) {
      pushed.push(value);
      box.push(value, take);
    }
  };
  return { box, taken, left: () => left, push };
}

/** What is kept of its items, those among them that were taken too. */
function placesOf(box: Inbox): readonly unknown[] {
  return (box as unknown as { items: { places: readonly unknown[] } }).items.places;
}

describe('an inbox with items', () => {
  it('hands them over in order, each taken as it is read', async () => {
    const { box, taken, push } = inbox();
    push('a', undefined, 'c');
    expect(taken).toEqual([]);
    expect(await box.next()).toEqual(item('a'));
    expect(taken).toEqual(['a']);
    expect(await Promise.all([box.next(), box.next()])).toEqual([item(undefined), item('c')]);
    expect(taken).toEqual(['a', undefined, 'c']);
  });

  it('hands them over before the end', async () => {
    const { box, push } = inbox();
    push('a', 'b');
    box.complete();
    expect(await Promise.all([box.next(), box.next(), box.next()])).toEqual([item('a'), item('b'), DONE]);
  });

  it('hands them over before the error', async () => {
    const { box, push } = inbox();
    push('a');
    box.fail(new Error('gone'));
    expect(await box.next()).toEqual(item('a'));
    await expect(box.next()).rejects.toThrow('gone');
  });

  it('forgets them when its reader leaves', async () => {
    const { box, taken, push } = inbox();
    push('a', 'b');
    expect(await box.return()).toEqual(DONE);
    expect(await box.next()).toEqual(DONE);
    expect(taken).toEqual([]);
  });
});

describe('an inbox whose reader stays one item behind', () => {
  it('does not keep what it has taken', async () => {
    const { box, taken, push } = inbox();
    const kept = placesOf(box);
    push(0);
    let mostKept = 0;
    for (let value = 1; value <= 100_000; value++) {
      push(value);
      const { value: read } = (await box.next()) as { value: unknown };
      if (read !== value - 1) throw new Error(`item ${value - 1} was to be read, not ${String(read)}`);
      mostKept = Math.max(mostKept, kept.length);
    }
    expect(taken).toHaveLength(100_000);
    expect(mostKept).toBeLessThanOrEqual(128);
    expect(kept.filter((entry) => entry !== undefined)).toHaveLength(1);
  });

  it('that lets many wait keeps no more than twice as many places, in their order', async () => {
    const { box, push } = inbox();
    const kept = placesOf(box);
    for (let value = 0; value < 1000; value++) push(value);
    for (let value = 0; value < 1000; value++) {
      expect(await box.next()).toEqual(item(value));
      expect(kept.length).toBeLessThanOrEqual(Math.max(128, 2 * (1000 - value)));
    }
    expect(kept).toEqual([]);
  });
});

describe('an inbox with readers that wait', () => {
  it('gives each the next item, in order, taken at once', async () => {
    const { box, taken, push } = inbox();
    const reads = Promise.all([box.next(), box.next(), box.next()]);
    push('a', 'b');
    expect(taken).toEqual(['a', 'b']);
    push('c', 'd');
    expect(taken).toEqual(['a', 'b', 'c']);
    expect(await reads).toEqual([item('a'), item('b'), item('c')]);
    expect(await box.next()).toEqual(item('d'));
  });

  it('ends all of them when it is complete', async () => {
    const { box } = inbox();
    const reads = Promise.all([box.next(), box.next()]);
    box.complete();
    expect(await reads).toEqual([DONE, DONE]);
    expect(await box.next()).toEqual(DONE);
  });

  it('tells the first of an error, and ends the others', async () => {
    const { box } = inbox();
    const reads = Promise.allSettled([box.next(), box.next(), box.next()]);
    const error = new Error('gone');
    box.fail(error);
    expect(await reads).toEqual([
      { status: 'rejected', reason: error },
      { status: 'fulfilled', value: DONE },
      { status: 'fulfilled', value: DONE },
    ]);
    expect(await box.next()).toEqual(DONE);
  });

  it('ends all of them when one leaves', async () => {
    const { box, left } = inbox();
    const reads = Promise.all([box.next(), box.next()]);
    expect(await box.return()).toEqual(DONE);
    expect(await reads).toEqual([DONE, DONE]);
    expect(left()).toBe(1);
  });
});

describe('an inbox that has ended', () => {
  const ways: [string, (box: Inbox) => unknown][] = [
    ['complete', (box) => box.complete()],
    ['left by its reader', async (box) => box.return()],
  ];
  for (const [how, end] of ways) {
    it(`${how}: takes nothing more and stays as it is`, async () => {
      const { box, taken, left, push } = inbox();
      await end(box);
      const before = left();
      push('late');
      box.complete();
      box.fail(new Error('late'));
      expect(await box.next()).toEqual(DONE);
      expect(await box.return()).toEqual(DONE);
      expect([taken, left()]).toEqual([[], before]);
    });
  }

  it('with an error tells it once, even where nobody read at the time', async () => {
    const { box, push } = inbox();
    box.fail(new Error('first'));
    box.fail(new Error('second'));
    box.complete();
    push('late');
    await expect(box.next()).rejects.toThrow('first');
    expect(await box.next()).toEqual(DONE);
    expect(await box.next()).toEqual(DONE);
  });

  it('with an error that is undefined or null is still an error', async () => {
    for (const nothing of [undefined, null]) {
      const { box } = inbox();
      box.fail(nothing);
      const [read] = await Promise.allSettled([box.next()]);
      expect(read).toEqual({ status: 'rejected', reason: nothing });
    }
  });

  it('with an error that nobody has read is over for a reader that leaves', async () => {
    const { box, left, push } = inbox();
    push('a');
    box.fail(new Error('gone'));
    expect(await box.return()).toEqual(DONE);
    expect(await box.next()).toEqual(DONE);
    expect(left()).toBe(0);
  });
});

describe('a reader', () => {
  it('that leaves early is told of, once', async () => {
    const { box, left, push } = inbox();
    push('a', 'b');
    for await (const value of box) {
      expect(value).toBe('a');
      break;
    }
    await box.return();
    expect(left()).toBe(1);
  });

  it('that reads to the end does not leave', async () => {
    const { box, left, push } = inbox();
    push('a', 'b');
    box.complete();
    const values: unknown[] = [];
    for await (const value of box) values.push(value);
    expect(values).toEqual(['a', 'b']);
    expect(left()).toBe(0);
  });

  it('gets the error where it iterates', async () => {
    const { box, push } = inbox();
    push('a');
    box.fail(new Error('gone'));
    const values: unknown[] = [];
    const read = async (): Promise<void> => {
      for await (const value of box) values.push(value);
    };
    await expect(read()).rejects.toThrow('gone');
    expect(values).toEqual(['a']);
  });
});
