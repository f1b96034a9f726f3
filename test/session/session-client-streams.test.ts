import { describe, expect, it } from 'vitest';

import type { ItemSender } from '../../src/session/item-sender.js';
import { calling, recorded, settled, type Calling, type Recorded, type Terms } from './session-play.js';

const HALF = 'x'.repeat(32_768 - 32);

describe('items from the server', () => {
  it('come in order, and end with or without a last one', () => {
    const { session, send } = calling();
    const [call, other] = [recorded(), recorded()];
    session.open(call);
    session.open(other);
    send('Nt1', 'a');
    send('Nj2', 'null');
    send('N-1', '');
    send('C1');
    send('At2', 'b');
    expect([call.log, other.log]).toEqual([
      [
        ['value', 'a'],
        ['value', undefined],
        ['complete', undefined],
      ],
      [
        ['value', null],
        ['value', 'b'],
        ['complete', undefined],
      ],
    ]);
  });

  it('have their credit given back as the caller takes them, once half a window is taken', () => {
    const { session, send, frames } = calling();
    const call = recorded();
    session.open(call);
    frames();
    send('Nt1', HALF);
    send('Nt1', HALF.slice(1));
    expect(frames()).toEqual([]);
    call.take();
    expect(frames()).toEqual([['W1 32768']]);
    call.take();
    expect(frames()).toEqual([]);
  });

  it('have credit of their own window, whatever the server said of its own', () => {
    const { session, send, frames } = calling({ own: { window: 100_000 }, peer: { window: 1_000_000 } });
    const call = recorded();
    session.open(call);
    frames();
    send('Nt1', 'x'.repeat(49_968));
    call.take();
    expect(frames()).toEqual([['W1 50000']]);
  });

  it('cost no credit behind the end, and the last one in an answer none at all', () => {
    const { session, send, frames } = calling();
    const call = recorded();
    session.open(call);
    frames();
    send('Nt1', 'x'.repeat(60_000));
    send('At1', 'x'.repeat(60_000));
    call.take();
    call.take();
    expect(frames()).toEqual([]);
    expect(call.log.at(-1)).toEqual(['complete', undefined]);
  });

  it('without credit are a protocol error', () => {
    const { session, send, heads } = calling();
    const call = recorded();
    session.open(call);
    heads();
    send('Nt1', 'x'.repeat(65_504));
    expect(heads()).toEqual([]);
    send('Nt1', '');
    expect([heads(), call.log.at(-1)?.[1]]).toEqual([['G'], 'PROTOCOL_ERROR']);
  });

  it('end with an error behind those that came', () => {
    const { session, send } = calling();
    const call = recorded();
    session.open(call);
    send('Nt1', 'a');
    send('E1', '{"code":"APPLICATION","message":"m"}');
    expect(call.log).toEqual([
      ['value', 'a'],
      ['error', 'APPLICATION', undefined, undefined],
    ]);
  });
});

interface Sending extends Calling {
  readonly call: Recorded;
  readonly items: ItemSender;
  readonly cancel: () => void;
  /** How often the source was told to stop. */
  readonly stopped: () => number;
}

/** A call whose caller sends items. */
function sending(terms: Terms = {}): Sending {
  let sender: ItemSender | undefined;
  let stopped = 0;
  const client = calling(terms);
  const call = recorded({
    data: { letter: '-', payload: '' },
    input: (items) => {
      sender = items;
      items.onStop(() => stopped++);
    },
  });
  const cancel = client.session.open(call);
  if (sender === undefined) throw new Error('the call was not asked for its items');
  return Object.assign(client, { call, items: sender, cancel, stopped: () => stopped });
}

describe('items to the server', () => {
  it('go behind the frame that opens their call, each in its codec, to the end', () => {
    const { items, frames } = sending();
    for (const value of ['a', [1], undefined]) items.push(value);
    items.complete();
    expect(frames()).toEqual([['O-1', 'toupper', ''], ['Nt1', 'a'], ['Nj1', '[1]'], ['N-1', ''], ['C1']]);
  });

  it('wait for credit, of the window that the server grants', () => {
    const { items, send, heads } = sending({ peer: { window: 65_590 } });
    items.push('x'.repeat(65_500));
    items.push('a');
    items.push('b');
    items.push('c');
    items.complete();
    expect(heads()).toEqual(['O-1', 'Nt1', 'Nt1', 'Nt1']);
    send('W1 8');
    expect(heads()).toEqual([]);
    send('W1 1');
    expect(heads()).toEqual(['Nt1', 'C1']);
  });

  it('are asked for only while there is credit', async () => {
    const { items, send, heads } = sending();
    let asked = 0;
    items.pull(
      (async function* () {
        for (; asked < 5; asked++) yield HALF;
      })(),
    );
    await settled();
    expect([asked, heads()]).toEqual([1, ['O-1', 'Nt1', 'Nt1']]);
    send('W1 32768');
    await settled();
    expect([asked, heads()]).toEqual([2, ['Nt1']]);
  });

  it('end with an error where their source fails, and what it was stays here', () => {
    const { items, frames, call } = sending();
    items.failSource(new Error('secret'));
    const [, end] = frames();
    expect(end?.[0]).toBe('E1');
    expect(end?.[1]).toContain('"code":"CANCELLED"');
    expect(end?.[1]).not.toContain('secret');
    expect(call.log).toEqual([]);
  });

  it.each([
    ['cannot be encoded', 1n, 'INVALID_ARGUMENT'],
    ['is over what the server takes', 'x'.repeat(65_536), 'RESOURCE_EXHAUSTED'],
  ])('end with an error where one %s, and the source is stopped', (_what, value, code) => {
    const { items, frames, stopped } = sending();
    items.push(value);
    expect(frames()[1]?.[1]).toContain(`"code":"${code}"`);
    expect(stopped()).toBe(1);
  });

  it.each<[string, (sent: Sending) => void]>([
    ['answered early', ({ send }) => send('At1', 'A')],
    ['completed', ({ send }) => send('C1')],
    ['failed', ({ send }) => send('E1', '{}')],
    ['cancelled', ({ cancel }) => cancel()],
    ['cut off', ({ stream }) => stream.close()],
    ['refused', ({ send }) => send('G', '{"last":0}')],
  ])('stop when their call is %s', (_how, end) => {
    const sent = sending();
    end(sent);
    sent.stream.take();
    expect([sent.stopped(), sent.items.push('late')]).toEqual([1, false]);
    sent.items.complete();
    expect(sent.stream.take()).toBe('');
  });

  it('may be sent while items come', () => {
    const { items, send, heads, call } = sending();
    items.push('a');
    send('Nt1', 'A');
    items.push('b');
    items.complete();
    send('Nt1', 'B');
    send('C1');
    expect(heads()).toEqual(['O-1', 'Nt1', 'Nt1', 'C1']);
    expect(call.log.map(([what]) => what)).toEqual(['value', 'value', 'complete']);
  });

  it('of a call that has none are granted no credit', () => {
    const { session, send, heads } = calling();
    session.open(recorded());
    send('W1 100');
    expect(heads()).toEqual(['Qt1']);
  });
});
