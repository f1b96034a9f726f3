import { describe, expect, it } from 'vitest';

import { encodeMetadata } from '../../src/wire/metadata.js';
import { requireMsgpack } from '../../src/wire/msgpack.js';
import { calling, LIMITS, recorded, type Recorded } from './session-play.js';

const UNKNOWN = undefined;

const ofBytes = (bytes: number): Recorded => recorded({ data: { letter: 't', payload: 'x'.repeat(bytes) } });

describe('a call', () => {
  it('is written as one frame, with what there is of it', () => {
    const { session, frames } = calling();
    session.open(recorded());
    const metadata = encodeMetadata({ k: 'v' }, LIMITS);
    session.open(recorded({ data: { letter: '-', payload: '' }, metadata, deadline: 250 }));
    session.open(recorded({ kind: 'event', ack: 'handled' }));
    session.open(recorded({ kind: 'event', ack: 'received', deadline: 99.5 }));
    session.open(recorded({ deadline: -1 }));
    expect(frames()).toEqual([
      ['Qt1', 'toupper', 'a'],
      ['Q-2 250', 'toupper', '', '{"k":"v"}'],
      ['Vt3 2', 'toupper', 'a'],
      ['Vt4 1 100', 'toupper', 'a'],
      ['Qt5 0', 'toupper', 'a'],
    ]);
    expect(session.calls).toBe(5);
  });

  it.each([{ k: 'v' }, { k: '\u00e4' }, { '\u5c0f': '"' }, { k: '\ud800' }])(
    'is written with its metadata, whatever characters it has: %j',
    (metadata) => {
      const { session, frames } = calling();
      session.open(recorded({ metadata: encodeMetadata(metadata, LIMITS) }));
      expect(frames()).toEqual([['Qt1', 'toupper', 'a', Buffer.from(JSON.stringify(metadata)).toString('latin1')]]);
    },
  );

  it('has its deadline counted when it is written', () => {
    const { session, clock, heads } = calling();
    clock.advance(40);
    session.open(recorded({ deadline: 100 }));
    expect(heads()).toEqual(['Qt1 60']);
  });

  it('is answered in whatever order the server likes', () => {
    const { session, send, told } = calling();
    const calls = [recorded(), recorded(), recorded()];
    for (const call of calls) session.open(call);
    send('At3', 'C');
    send('Aj1', '[1]', '{"k":"v"}');
    send('A-2', '');
    expect(calls.map(({ log }) => log)).toEqual([
      [
        ['value', [1]],
        ['complete', { k: 'v' }],
      ],
      [['complete', undefined]],
      [
        ['value', 'C'],
        ['complete', undefined],
      ],
    ]);
    expect([session.calls, told]).toEqual([0, ['room', 'room', 'room']]);
  });

  it('may end without a value, or with an error and its metadata', () => {
    const { session, send } = calling();
    const calls = [recorded(), recorded(), recorded()];
    for (const call of calls) session.open(call);
    send('C1', '{"k":"v"}');
    send('E2', '{"code":"UNIMPLEMENTED","message":"m","executed":false}');
    send('E3', '{"code":"APPLICATION","message":"m"}', '{"k":"v"}');
    expect(calls.map(({ log }) => log)).toEqual([
      [['complete', { k: 'v' }]],
      [['error', 'UNIMPLEMENTED', false, undefined]],
      [['error', 'APPLICATION', UNKNOWN, { k: 'v' }]],
    ]);
  });

  it('skips what is late for it', () => {
    const { session, send, heads, told } = calling();
    const call = recorded();
    session.open(call);
    send('At1', 'A');
    heads();
    for (const late of ['A', 'N']) send(`${late}t1`, 'late');
    send('C1');
    send('E1', '{}');
    send('W1 5');
    expect([call.log.length, heads(), told]).toEqual([2, [], ['room']]);
  });

  it('over what the server takes in one frame is not sent, and was not executed', () => {
    const { session, heads } = calling();
    const fits = 65_536 - 'Qt1toupper'.length;
    session.open(ofBytes(fits));
    const over = ofBytes(fits + 1);
    session.open(over)();
    expect([heads(), over.log]).toEqual([['Qt1'], [['error', 'RESOURCE_EXHAUSTED', false, undefined]]]);
    session.open(recorded());
    expect(heads()).toEqual(['Qt2']);
  });

  it('in MessagePack fails where the server does not speak it, and harms no other', () => {
    const msgpack = requireMsgpack('this test');
    const { session, heads } = calling({ msgpack });
    const call = recorded({ data: { letter: 'm', payload: Buffer.from([1]) }, msgpack: true });
    session.open(call);
    expect(heads()).toEqual([]);
    expect(call.log).toEqual([['error', 'UNIMPLEMENTED', false, undefined]]);
  });

  it('is answered in MessagePack where both sides speak it', () => {
    const msgpack = requireMsgpack('this test');
    const { session, send } = calling({ msgpack, peer: { codecs: ['m'] } });
    const call = recorded({ data: { letter: 'm', payload: Buffer.from([1]) }, msgpack: true });
    session.open(call);
    send('Am1', '\x91\x02');
    expect(call.log[0]).toEqual(['value', [2]]);
  });

  it.each([
    ['a value that is not JSON', ['Aj1', '{']],
    ['a value that is not UTF-8', ['At1', '\xff']],
    ['metadata that is none', ['At1', 'A', '[]']],
    ['metadata that is none behind its end', ['C1', '{']],
    ['metadata that is too large', ['C1', `{"k":"${'v'.repeat(8192)}"}`]],
    ['an error that is not UTF-8', ['E1', '\xff']],
    ['metadata that is none behind an error', ['E1', '{}', '{']],
  ])('that is answered with %s fails, and harms no other', (_what, fields) => {
    const { session, send, heads } = calling();
    const [call, other] = [recorded(), recorded()];
    session.open(call);
    session.open(other);
    heads();
    send(...fields);
    // That was its end anyway, so there is nothing to cancel.
    expect([call.log, heads()]).toEqual([[['error', 'INTERNAL', UNKNOWN, undefined]], []]);
    send('At2', 'B');
    expect(other.log).toHaveLength(2);
  });

  it.each([
    ['is not JSON', ['Nj1', '{']],
    ['is not UTF-8', ['Nt1', '\xff']],
    ['has octets where it has no value', ['N-1', 'a']],
  ])('of which an item %s fails, is cancelled, and harms no other', (_what, fields) => {
    const { session, send, heads } = calling();
    const [call, other] = [recorded(), recorded()];
    session.open(call);
    session.open(other);
    heads();
    send('Nt1', 'a');
    send(...fields);
    expect([call.log[1], heads()]).toEqual([['error', 'INTERNAL', UNKNOWN, undefined], ['X1']]);
    send('Nt1', 'late');
    send('At2', 'B');
    expect([call.log.length, other.log.length]).toEqual([2, 2]);
  });

  it('that is cancelled says so once, and its caller is told of nothing', () => {
    const { session, send, heads, told } = calling();
    const call = recorded();
    const cancel = session.open(call);
    cancel();
    cancel();
    send('At1', 'late');
    expect([heads(), call.log, told, session.calls]).toEqual([['Qt1', 'X1'], [], ['room'], 0]);
  });

  it('that has ended is not cancelled any more', () => {
    const { session, send, heads } = calling();
    const call = recorded();
    const cancel = session.open(call);
    send('C1');
    cancel();
    expect(heads()).toEqual(['Qt1']);
  });

  it('may be cancelled by its caller when an item comes', () => {
    const { session, send, heads } = calling();
    let items = 0;
    const cancel = session.open(
      recorded({
        onValue: () => {
          items++;
          cancel();
        },
      }),
    );
    send('Nt1', 'a');
    send('Nt1', 'b');
    expect([items, heads()]).toEqual([1, ['Qt1', 'X1']]);
  });

  it('may be made from within the end of another', () => {
    const { session, send, heads } = calling();
    const next = recorded();
    session.open(recorded({ onComplete: () => session.open(next) }));
    send('C1');
    send('At2', 'A');
    expect([heads(), next.log.length]).toEqual([['Qt1', 'Qt2'], 2]);
  });

  it('leaves room for as many as the server serves at once', () => {
    const { session, send } = calling({ peer: { maxCalls: 2 } });
    session.open(recorded());
    expect(session.hasRoom).toBe(true);
    const cancel = session.open(recorded());
    expect(session.hasRoom).toBe(false);
    cancel();
    expect(session.hasRoom).toBe(true);
    session.open(recorded());
    send('C1');
    expect(session.hasRoom).toBe(true);
  });
});

describe('an event', () => {
  it('that asks for no acknowledgement is emitted when it is written', () => {
    const { session, heads } = calling();
    const event = recorded({ kind: 'event', ack: 'none' });
    const cancel = session.open(event);
    cancel();
    expect([event.log, heads(), session.calls]).toEqual([[['complete', undefined]], ['Vt1 0'], 0]);
  });

  it('is emitted when the server says so, or fails', () => {
    const { session, send } = calling();
    const events = [recorded({ kind: 'event' }), recorded({ kind: 'event', ack: 'handled' })];
    for (const event of events) session.open(event);
    send('E2', '{"code":"UNIMPLEMENTED","message":"m"}');
    send('C1');
    expect(events.map(({ log }) => log)).toEqual([
      [['complete', undefined]],
      [['error', 'UNIMPLEMENTED', UNKNOWN, undefined]],
    ]);
  });
});
