import { describe, expect, it } from 'vitest';

import { XtcpError } from '../../src/errors/xtcp-error.js';
import { OutgoingCredit } from '../../src/session/credit.js';
import { ItemSender } from '../../src/session/item-sender.js';
import { settled } from './session-play.js';

const MAX_AHEAD_BYTES = 100;

interface Sending {
  readonly sender: ItemSender;
  readonly credit: OutgoingCredit;
  /** What the listener was told, in order: items by their payload, ends by their name and error. */
  readonly told: unknown[];
}

/** A sender of items with so much credit, and whose wire refuses the item `refused`. */
function sending(window: number): Sending {
  const told: unknown[] = [];
  const credit = new OutgoingCredit(window);
  const sender = new ItemSender(1, credit, MAX_AHEAD_BYTES, undefined, {
    send: ({ pieces }) => {
      const payload = pieces.join('').split('\r\n')[3];
      if (payload === 'refused') throw new XtcpError('RESOURCE_EXHAUSTED', 'an item is too large');
      told.push(payload);
    },
    onComplete: () => told.push('complete'),
    onSourceError: (error) => told.push(['source', error]),
    onUnsendable: ({ code }) => told.push(['error', code]),
    onError: ({ code }) => told.push(['error', code]),
  });
  return { sender, credit, told };
}

/** A source that is asked for items, and writes down what it was asked. */
function source(items: unknown[]): AsyncIterable<unknown> & { asked: number; returned: number } {
  const iterable = {
    asked: 0,
    returned: 0,
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        const value = items[iterable.asked++];
        return iterable.asked > items.length ? { done: true as const, value: undefined } : { done: false, value };
      },
      return: async () => {
        iterable.returned++;
        return { done: true as const, value: undefined };
      },
    }),
  };
  return iterable;
}

describe('a source that is asked', () => {
  it('has its items sent in order, then its end', async () => {
    const { sender, told } = sending(1000);
    expect(sender.hasBegun).toBe(false);
    const items = source(['a', 'b']);
    sender.pull(items);
    await settled();
    expect(told).toEqual(['a', 'b', 'complete']);
    expect(sender.hasBegun).toBe(true);
    expect(items.returned).toBe(0);
  });

  it('is not asked while there is no credit', async () => {
    const { sender, credit, told } = sending(0);
    const items = source(['a', 'b', 'c']);
    sender.pull(items);
    await settled();
    expect(items.asked).toBe(0);
    credit.grant(33);
    await settled();
    expect([items.asked, told]).toEqual([1, ['a']]);
    credit.grant(34);
    await settled();
    expect([items.asked, told]).toEqual([3, ['a', 'b', 'c']]);
  });

  it('is asked for one item at a time, whatever is granted meanwhile', async () => {
    const { sender, credit } = sending(1);
    let asked = 0;
    const slow = { [Symbol.asyncIterator]: () => ({ next: () => (asked++, new Promise<never>(() => {})) }) };
    sender.pull(slow);
    credit.grant(100);
    credit.grant(100);
    await settled();
    expect(asked).toBe(1);
  });

  it('has its end told though there is no credit', async () => {
    const { sender, told } = sending(33);
    sender.pull(source(['a']));
    await settled();
    expect(told).toEqual(['a']);
    sender.complete();
    expect(told).toEqual(['a', 'complete']);
  });

  it('is told to return when nobody reads any more, and is asked no further', async () => {
    const { sender, credit, told } = sending(33);
    const items = source(['a', 'b']);
    sender.pull(items);
    await settled();
    sender.stop();
    credit.grant(1000);
    await settled();
    expect([items.asked, items.returned, told]).toEqual([1, 1, ['a']]);
  });

  it('has an item dropped that comes behind the stop', async () => {
    const { sender, told } = sending(1000);
    const gives: ((result: IteratorResult<unknown>) => void)[] = [];
    sender.pull({ [Symbol.asyncIterator]: () => ({ next: () => new Promise((resolve) => gives.push(resolve)) }) });
    await settled();
    sender.stop();
    gives[0]?.({ done: false, value: 'late' });
    await settled();
    expect(told).toEqual([]);
  });

  const fault = new Error('the source failed');
  const throwFault = (): never => {
    throw fault;
  };
  it.each<[string, AsyncIterable<unknown>]>([
    ['at once', { [Symbol.asyncIterator]: throwFault }],
    ['in next', { [Symbol.asyncIterator]: () => ({ next: throwFault }) }],
    ['in what next promises', { [Symbol.asyncIterator]: () => ({ next: async () => throwFault() }) }],
  ])('and fails %s ends the stream with its error', async (_where, failing) => {
    const { sender, told } = sending(1000);
    sender.pull(failing);
    await settled();
    expect(told).toEqual([['source', fault]]);
  });

  it.each<[string, () => Promise<IteratorResult<unknown>>]>([
    ['throws', throwFault],
    ['rejects', async () => throwFault()],
  ])('may fail to return: %s', async (_how, fails) => {
    const { sender, told } = sending(1000);
    sender.pull({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}), return: fails }) });
    await settled();
    sender.stop();
    await settled();
    expect(told).toEqual([]);
  });

  it('and gives an item that cannot be encoded ends with an error, and is told to return', async () => {
    const { sender, told } = sending(1000);
    const items = source(['a', 1n, 'c']);
    sender.pull(items);
    await settled();
    expect([told, items.asked, items.returned]).toEqual([['a', ['error', 'INVALID_ARGUMENT']], 2, 1]);
  });

  it('and gives an item that cannot be sent ends with an error, and is told to return', async () => {
    const { sender, told } = sending(1000);
    const items = source(['a', 'refused', 'c']);
    sender.pull(items);
    await settled();
    expect([told, items.asked, items.returned]).toEqual([['a', ['error', 'RESOURCE_EXHAUSTED']], 2, 1]);
  });
});

describe('a source that pushes', () => {
  it('has its items sent while there is credit, and held while there is none', () => {
    const { sender, credit, told } = sending(33);
    expect(['a', 'b', 'c'].map((value) => sender.push(value))).toEqual([true, true, true]);
    expect(told).toEqual(['a']);
    credit.grant(1);
    expect(told).toEqual(['a', 'b']);
    credit.grant(1000);
    expect(told).toEqual(['a', 'b', 'c']);
  });

  it('may have just as much held as the bound, and fails past it', () => {
    let stopped = 0;
    const { sender, credit, told } = sending(0);
    sender.onStop(() => stopped++);
    expect(sender.push('x'.repeat(36))).toBe(true);
    expect(sender.push('')).toBe(true);
    expect([told, stopped]).toEqual([[], 0]);
    expect(sender.push('')).toBe(false);
    expect([told, stopped]).toEqual([[['error', 'RESOURCE_EXHAUSTED']], 1]);
    credit.grant(1000);
    expect(sender.push('late')).toBe(false);
    expect(told).toHaveLength(1);
  });

  it('may have more held again once some was sent', () => {
    const { sender, credit, told } = sending(0);
    for (let round = 0; round < 10; round++) {
      expect(sender.push('x'.repeat(68))).toBe(true);
      credit.grant(100 + (round === 0 ? 1 : 0));
    }
    expect(told).toHaveLength(10);
  });

  it.each<[string, (sender: ItemSender) => void, unknown]>([
    ['its end', (sender) => sender.complete(), 'complete'],
    ['its own error', (sender) => sender.failSource('oops'), ['source', 'oops']],
    ['an error', (sender) => sender.fail(new XtcpError('INTERNAL', 'm')), ['error', 'INTERNAL']],
  ])('has %s told behind the items that wait', (_what, end, told) => {
    const sent = sending(0);
    sent.sender.push('a');
    sent.sender.push('b');
    end(sent.sender);
    expect(sent.sender.push('late')).toBe(false);
    sent.sender.complete();
    expect(sent.told).toEqual([]);
    sent.credit.grant(33);
    expect(sent.told).toEqual(['a']);
    sent.credit.grant(32);
    expect(sent.told).toEqual(['a', 'b', told]);
    sent.credit.grant(1000);
    expect(sent.told).toHaveLength(3);
  });

  it('has its end told though others wait for the same credit', () => {
    const { sender, credit, told } = sending(0);
    sender.push('a');
    credit.whenReady(() => {
      sender.complete();
    });
    credit.grant(100);
    expect(told).toEqual(['a', 'complete']);
  });

  it('has nothing more sent, nor its end told, once it is stopped', () => {
    let stopped = 0;
    const { sender, credit, told } = sending(0);
    sender.onStop(() => stopped++);
    sender.push('a');
    sender.complete();
    sender.stop();
    sender.stop();
    credit.grant(1000);
    expect([told, stopped]).toEqual([[], 1]);
  });

  it('that begins behind the stop is stopped at once', () => {
    let stopped = 0;
    const { sender } = sending(0);
    sender.stop();
    sender.onStop(() => stopped++);
    expect(stopped).toBe(1);
  });

  it('and pushes what cannot be encoded fails behind the items that wait, and is stopped', () => {
    let stopped = 0;
    const { sender, credit, told } = sending(0);
    sender.onStop(() => stopped++);
    sender.push('a');
    expect(sender.push(1n)).toBe(false);
    expect([told, stopped]).toEqual([[], 1]);
    credit.grant(1000);
    expect(told).toEqual(['a', ['error', 'INVALID_ARGUMENT']]);
  });

  it('has an item that waited and cannot be sent end it', () => {
    let stopped = 0;
    const { sender, credit, told } = sending(0);
    sender.onStop(() => stopped++);
    for (const value of ['a', 'refused']) sender.push(value);
    credit.grant(1000);
    expect([told, stopped]).toEqual([['a', ['error', 'RESOURCE_EXHAUSTED']], 1]);
    sender.complete();
    expect(told).toHaveLength(2);
  });
});
