import { describe, expect, it } from 'vitest';

import type { XtcpError } from '../../src/errors/xtcp-error.js';
import type { Inbox } from '../../src/session/inbox.js';
import { serving, type Serving, type Terms } from './session-play.js';

const DONE = { done: true, value: undefined };
const item = (value: unknown): unknown => ({ done: false, value });

interface Reading extends Serving {
  readonly input: Inbox;
}

/** A call whose handler reads the items that the caller sends. */
function reading(head = 'O-1', terms: Terms = {}): Reading {
  const served = serving(terms);
  served.send(head, 'sum', '');
  const input = served.calls[0]?.input;
  if (input === undefined) throw new Error('the call has no input');
  return Object.assign(served, { input });
}

const codeOfRead = async (input: Inbox): Promise<unknown> =>
  input.next().then(
    (result) => result,
    (error: unknown) => (error as XtcpError).code,
  );

describe('the input of a call', () => {
  it('is what the caller sends, each item in its codec, to the end', async () => {
    const { input, send } = reading();
    send('Nt1', 'a');
    send('Nj1', '[1]');
    send('N-1', '');
    send('Nb1', '\xff');
    send('C1');
    expect(await Promise.all([input.next(), input.next(), input.next(), input.next(), input.next()])).toEqual([
      item('a'),
      item([1]),
      item(undefined),
      item(Buffer.from([0xff])),
      DONE,
    ]);
  });

  it('ends with the error that the caller ends it with, and the call goes on', async () => {
    const { input, send, calls, heads } = reading();
    send('Nt1', 'a');
    send('E1', '{"code":"CANCELLED","message":"m"}');
    expect(await input.next()).toEqual(item('a'));
    await expect(input.next()).rejects.toMatchObject({ code: 'CANCELLED', message: 'm' });
    expect(calls[0]?.isLive).toBe(true);
    calls[0]?.answer('A');
    expect(heads()).toEqual(['At1']);
  });

  it('ends with an error though the one that ends it cannot be read, and the call goes on', async () => {
    for (const error of ['{', 'null', '\xff', '']) {
      const { input, send, calls, broken } = reading();
      send('E1', error);
      expect(await codeOfRead(input)).toBe('INTERNAL');
      expect([calls[0]?.isLive, broken]).toEqual([true, []]);
    }
  });

  it.each([
    ['item', ['Nt1', 'late']],
    ['end', ['C1']],
    ['error', ['E1', '{}']],
  ])('takes no %s behind its end: that is a protocol error', (_what, fields) => {
    for (const end of [['C1'], ['E1', '{}']]) {
      const { send, heads, broken } = reading();
      send(...end);
      send(...fields);
      expect([heads(), broken[0]?.code]).toEqual([['G'], 'PROTOCOL_ERROR']);
    }
  });

  it('has its credit given back as the handler reads, once half a window is read', async () => {
    const { input, send, frames } = reading();
    const half = 'x'.repeat(32_768 - 32);
    for (let count = 0; count < 2; count++) send('Nt1', half);
    expect(frames()).toEqual([]);
    await input.next();
    expect(frames()).toEqual([['W1 32768']]);
    send('Nt1', 'a');
    await input.next();
    expect(frames()).toEqual([['W1 32768']]);
    await input.next();
    expect(frames()).toEqual([]);
  });

  it('may be overdrawn by one item, and by no second', () => {
    const { send, heads, broken } = reading();
    send('Nt1', 'x'.repeat(60_000));
    send('Nt1', 'x'.repeat(60_000));
    expect(heads()).toEqual([]);
    send('Nt1', '');
    expect(heads()).toEqual(['G']);
    expect(broken[0]?.code).toBe('PROTOCOL_ERROR');
  });

  it('has no credit given back once the call has ended', async () => {
    const { input, send, calls, heads } = reading();
    send('Nt1', 'x'.repeat(60_000));
    calls[0]?.complete();
    expect(heads()).toEqual(['C1']);
    expect(await input.next()).toMatchObject({ done: false });
    expect(heads()).toEqual([]);
  });

  it.each([
    ['is not JSON', ['Nj1', '{'], 'INVALID_ARGUMENT'],
    ['is not UTF-8', ['Nt1', '\xff'], 'INVALID_ARGUMENT'],
    ['has octets where it has no value', ['N-1', 'a'], 'INVALID_ARGUMENT'],
  ])('ends, with its call and no other, where an item %s', async (_what, fields, code) => {
    const { input, send, calls, heads, broken } = reading();
    const stops: unknown[] = [];
    calls[0]!.stopper = { stop: (reason) => stops.push(reason.code) };
    send('Qt2', 'p', 'a');
    send(...fields);
    expect([heads(), stops, broken]).toEqual([['E1'], [code], []]);
    expect(await codeOfRead(input)).toBe(code);
    expect(calls[1]?.isLive).toBe(true);
  });

  it('behind an early answer is skipped', () => {
    const { send, calls, heads, broken } = reading();
    calls[0]?.answer('A');
    send('Nt1', 'late');
    send('C1');
    expect([heads(), broken]).toEqual([['At1'], []]);
  });

  it('does not keep a handler waiting that still reads it behind the end of the call', async () => {
    for (const end of ['answer', 'complete'] as const) {
      const { input, calls } = reading();
      const read = codeOfRead(input);
      calls[0]?.[end]('A');
      expect(await read).toBe('CANCELLED');
      expect(await codeOfRead(input)).toEqual(DONE);
    }
  });

  it('does not keep a handler waiting whose own items have failed', async () => {
    const { input, calls } = reading();
    const read = codeOfRead(input);
    calls[0]?.items.push(1n);
    expect(await read).toBe('INVALID_ARGUMENT');
  });

  it.each<[string, (reader: Reading) => void, string]>([
    ['the caller cancels', ({ send }) => send('X1'), 'CANCELLED'],
    ['the deadline is over', ({ clock }) => clock.advance(500), 'DEADLINE_EXCEEDED'],
    ['the connection is lost', ({ stream }) => stream.close(), 'UNAVAILABLE'],
    ['the connection ends', ({ stream }) => stream.receiveEnd(), 'UNAVAILABLE'],
    ['the caller breaks the protocol', ({ send }) => send('Z'), 'PROTOCOL_ERROR'],
    ['the server is cut', ({ session }) => session.cut(), 'UNAVAILABLE'],
  ])('fails behind what is here when %s', async (_what, happens, code) => {
    const served = reading('O-1 500');
    served.send('Nt1', 'a');
    happens(served);
    expect(await served.input.next()).toEqual(item('a'));
    expect(await codeOfRead(served.input)).toBe(code);
  });

  it('that its handler leaves is taken in and thrown away', async () => {
    const { input, send, heads, broken } = reading();
    await input.return();
    send('Nt1', 'a');
    send('C1');
    expect([heads(), broken]).toEqual([[], []]);
  });

  it('is only there for a call that was opened with one', () => {
    for (const fields of [['Nt1', 'a'], ['C1'], ['E1', '{}']]) {
      const { send, calls, heads, broken } = serving();
      send('Qt1', 'p', 'a');
      expect(calls[0]?.input).toBeUndefined();
      send(...fields);
      expect([heads(), broken[0]?.code]).toEqual([['G'], 'PROTOCOL_ERROR']);
    }
  });
});
