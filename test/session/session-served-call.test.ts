import { describe, expect, it } from 'vitest';

import { XtcpError } from '../../src/errors/xtcp-error.js';
import type { ServedCall } from '../../src/session/served-call.js';
import { requireMsgpack } from '../../src/wire/msgpack.js';
import { serving, settled, type Serving, type Terms } from './session-play.js';

const INTERNAL = '{"code":"INTERNAL","message":"m"}';

interface Call extends Serving {
  readonly call: ServedCall;
  /** The reasons with which it was told to stop. */
  readonly stops: unknown[];
}

/** A call, or what else `head` opens, that is being served. */
function opened(head = 'Qt1', terms: Terms = {}, payload = 'a'): Call {
  const served = serving(terms);
  served.send(head, 'toupper', payload);
  const call = served.calls[0];
  if (call === undefined) throw new Error('no call was served');
  const stops: unknown[] = [];
  call.stopper = { stop: (reason) => stops.push(reason.code) };
  return Object.assign(served, { call, stops });
}

/** What may be done to a call at its end, and what it puts on the wire for it. */
const ENDS: [string, (call: ServedCall) => void, string[]][] = [
  ['answer', (call) => call.answer('A'), ['At1', 'A']],
  ['complete', (call) => call.complete(), ['C1']],
  ['fail', (call) => call.fail(new XtcpError('INTERNAL', 'm')), ['E1', INTERNAL]],
  ['complete its items', (call) => call.items.complete(), ['C1']],
  ['fail its items', (call) => call.items.fail(new XtcpError('INTERNAL', 'm')), ['E1', INTERNAL]],
];

describe('a call that is served', () => {
  it.each(ENDS)(
    'may %s: that ends it for the caller, and its place is free only when it leaves',
    (_how, end, frame) => {
      const { call, calls, frames, heads, send } = opened('Qt1', { own: { maxCalls: 1 } });
      expect(call.isLive).toBe(true);
      end(call);
      expect([frames(), call.isLive]).toEqual([[frame], false]);
      send('Qt2', 'toupper', 'a');
      expect([heads(), calls.length]).toEqual([['E2'], 1]);
      call.leave();
      send('Qt3', 'toupper', 'a');
      expect([heads(), calls.length]).toEqual([[], 2]);
    },
  );

  for (const [first, begin] of ENDS) {
    it.each(ENDS)(`that did ${first} and then does %s says nothing more`, (_how, end) => {
      const { call, stream, calls } = opened();
      begin(call);
      stream.take();
      end(call);
      call.items.push('late');
      call.received();
      call.leave();
      call.leave();
      expect([stream.take(), call.isLive, calls.length]).toEqual(['', false, 1]);
    });
  }

  it('answers each type in its codec', () => {
    const answers: [unknown, string, string][] = [
      ['A', 'At1', 'A'],
      [undefined, 'A-1', ''],
      [null, 'Aj1', 'null'],
      [{ a: 1 }, 'Aj1', '{"a":1}'],
      [Buffer.from([0xff]), 'Ab1', '\xff'],
    ];
    for (const [value, head, payload] of answers) {
      const served = opened();
      served.call.answer(value);
      expect(served.frames()).toEqual([[head, payload]]);
    }
  });

  it('answers in MessagePack one that came in it, and in JSON all others', () => {
    const msgpack = requireMsgpack('this test');
    const terms = { msgpack, peer: { codecs: ['m'] } };
    const asked = opened('Qm1', terms, '\x01');
    expect(asked.call.opened.data).toBe(1);
    asked.call.items.push([2]);
    asked.call.answer([1]);
    expect(asked.frames()).toEqual([
      ['Nm1', '\x91\x02'],
      ['Am1', '\x91\x01'],
    ]);
    const other = opened('Qj1', terms, '1');
    other.call.answer([1]);
    expect(other.heads()).toEqual(['Aj1']);
  });

  it('throws where its answer cannot be encoded, and may still fail', () => {
    const { call, frames } = opened();
    expect(() => call.answer(1n)).toThrow(XtcpError);
    expect(call.isLive).toBe(true);
    call.fail(new XtcpError('INTERNAL', 'm'));
    expect(frames()).toEqual([['E1', INTERNAL]]);
  });

  it('fails where its answer is a byte over what the caller takes', () => {
    const answer = 'x'.repeat(65_536 - 'At1'.length);
    const fits = opened();
    fits.call.answer(answer);
    expect(fits.heads()).toEqual(['At1']);
    const over = opened();
    over.call.answer(`${answer}x`);
    expect(over.frames()[0]?.[1]).toContain('"code":"RESOURCE_EXHAUSTED"');
  });

  it('sends its metadata with whichever end it has', () => {
    for (const [, end, frame] of ENDS) {
      const { call, frames } = opened();
      call.answerMetadata = { getAnswerMetadata: () => ({ k: 'v' }) };
      end(call);
      expect(frames()).toEqual([[...frame, '{"k":"v"}']]);
    }
  });

  it('leaves out metadata that cannot be sent', () => {
    for (const [, end, frame] of ENDS) {
      const { call, frames } = opened();
      call.answerMetadata = { getAnswerMetadata: () => ({ k: 'v'.repeat(10_000) }) };
      end(call);
      expect(frames()).toEqual([frame]);
    }
  });

  it('has an error that fits what the caller takes, whatever its details and metadata', () => {
    const metadata = { k: '\u20ac'.repeat(2500) };
    for (let spare = 0; spare < 10_000; spare += 500) {
      const { call, frames } = opened();
      call.answerMetadata = { getAnswerMetadata: () => metadata };
      call.fail(new XtcpError('APPLICATION', 'm', { details: 'd'.repeat(65_536 - spare) }));
      const bytes = frames()[0]?.reduce((sum, field) => sum + field.length, 0);
      expect(bytes).toBeLessThanOrEqual(65_536);
    }
  });

  it('is told to stop, once, when the caller cancels it', () => {
    const { stops, send, call, stream } = opened();
    send('X1');
    send('X1');
    expect([stops, call.isLive, stream.take()]).toEqual([['CANCELLED'], false, '']);
  });
});

describe('the items of a call', () => {
  it('are sent as their credit allows, and end with the iterable', async () => {
    const served = opened('Q-1', {}, '');
    let asked = 0;
    served.call.items.pull(
      (async function* () {
        for (; asked < 3; asked++) yield 'x'.repeat(40_000);
      })(),
    );
    await settled();
    expect(served.heads()).toEqual(['Nt1', 'Nt1']);
    served.send('W1 14528');
    await settled();
    expect(served.heads()).toEqual([]);
    served.send('W1 1');
    await settled();
    expect(served.heads()).toEqual(['Nt1']);
    served.send('W1 65536');
    await settled();
    expect(served.heads()).toEqual(['C1']);
  });

  it('end with the error that their source failed with, as the call says it', async () => {
    const served = opened();
    served.call.errors = { toError: (error) => new XtcpError('APPLICATION', String(error)) };
    served.call.items.failSource('oops');
    expect(served.frames()).toEqual([['E1', '{"code":"APPLICATION","message":"oops"}']]);
  });

  it.each<[string, (call: ServedCall) => void, string]>([
    ['cannot be encoded', (call) => call.items.push(1n), 'INVALID_ARGUMENT'],
    ['is too large', (call) => call.items.push('x'.repeat(65_536)), 'RESOURCE_EXHAUSTED'],
    [
      'is too far ahead',
      (call) => {
        call.items.push('x'.repeat(65_530));
        call.items.push('x'.repeat(1000));
      },
      'RESOURCE_EXHAUSTED',
    ],
  ])('end with an error where one %s, and the handler is told to stop', (_what, push, code) => {
    const served = opened();
    push(served.call);
    expect(served.heads().at(-1)).toBe('E1');
    expect(served.stops).toEqual([code]);
  });

  it('stop when the caller cancels', async () => {
    const served = opened();
    let returned = 0;
    served.call.items.pull({
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => {}),
        return: async () => ({ done: true, value: returned++ }),
      }),
    });
    served.send('X1');
    await settled();
    expect([returned, served.stream.take()]).toEqual([1, '']);
  });
});

describe('a deadline', () => {
  it('ends a call with an error and tells its handler to stop', () => {
    const served = opened('Qt1 500');
    expect(served.call.opened.timeoutMs).toBe(500);
    served.clock.advance(499);
    expect([served.stops, served.heads()]).toEqual([[], []]);
    served.clock.advance(1);
    expect(served.stops).toEqual(['DEADLINE_EXCEEDED']);
    expect(served.frames()[0]?.[1]).toContain('"code":"DEADLINE_EXCEEDED"');
    expect(served.call.isLive).toBe(false);
  });

  it('is let go of when the call has ended and left', () => {
    const served = opened('Qt1 500');
    served.call.answer('A');
    served.call.leave();
    expect(served.clock.pending).toBe(0);
  });
});
