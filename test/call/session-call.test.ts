import { getEventListeners } from 'node:events';

import { describe, expect, it } from 'vitest';

import { client } from './session-call-play.js';

const ANSWERED = [['value', 'A'], ['complete']];
const NOT_SENT = (code: string): unknown[] => [['error', code, false]];

describe('a call', () => {
  it('is made, answered, and over', () => {
    const { make, at, clock } = client();
    const { signal } = new AbortController();
    const { log, cancel } = make({ metadata: { k: 'v' }, timeoutMs: 500, signal });
    clock.advance(100);
    at(0).accept();
    expect(at(0).frames()).toEqual([['Qt1 400', 'toupper', 'a', '{"k":"v"}']]);
    at(0).send('At1', 'A');
    cancel();
    expect([log, at(0).frames(), clock.pending]).toEqual([ANSWERED, [], 0]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('goes in the kind and with the acknowledgement that were asked for', () => {
    const { make, at } = client();
    for (const ack of ['none', 'received', 'handled'] as const) make({ kind: 'event', ack });
    at(0).accept();
    expect(at(0).heads()).toEqual(['Vt1 0', 'Vt2 1', 'Vt3 2']);
  });

  it.each([
    ['data that cannot be encoded', { data: 1n }, 'INVALID_ARGUMENT'],
    ['metadata that cannot be sent', { metadata: { k: 'v'.repeat(9000) } }, 'INVALID_ARGUMENT'],
    ['a timeout of 0', { timeoutMs: 0 }, 'DEADLINE_EXCEEDED'],
    ['a timeout below 0', { timeoutMs: -5 }, 'DEADLINE_EXCEEDED'],
    ['a timeout that is no number', { timeoutMs: NaN }, 'INVALID_ARGUMENT'],
    ['an aborted signal', { signal: AbortSignal.abort() }, 'CANCELLED'],
  ])('with %s is not made', (_what, request, code) => {
    const { make, dials, clock } = client();
    const { signal } = new AbortController();
    const { log, cancel } = make({ signal, ...request });
    cancel();
    expect([log, dials, clock.pending]).toEqual([NOT_SENT(code), [], 0]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('with a pattern of more bytes than servers take is not made, over either protocol', () => {
    for (const protocol of ['session', 'classic'] as const) {
      for (const pattern of ['p'.repeat(1025), 'ä'.repeat(513), '語'.repeat(342)]) {
        const { make, dials, clock } = client(protocol);
        const { log } = make({ pattern, timeoutMs: 500 });
        expect([log, dials, clock.pending]).toEqual([NOT_SENT('INVALID_ARGUMENT'), [], 0]);
      }
    }
  });

  it('with a pattern of as many bytes as they take is made', () => {
    for (const pattern of ['p'.repeat(1024), 'ä'.repeat(512), '語'.repeat(341)]) {
      const { make, at } = client();
      make({ pattern });
      at(0).accept();
      expect(at(0).frames()).toEqual([['Qt1', Buffer.from(pattern).toString('latin1'), 'a']]);
    }
  });

  it('that is cancelled is told of nothing more, wherever it is', () => {
    const waiting = client();
    const first = waiting.make({ timeoutMs: 500 });
    first.cancel();
    waiting.at(0).accept();
    expect([waiting.at(0).frames(), first.log, waiting.clock.pending]).toEqual([[], [], 0]);
    const second = waiting.make({ timeoutMs: 500 });
    second.cancel();
    second.cancel();
    waiting.at(0).send('At1', 'late');
    expect([waiting.at(0).heads(), second.log, waiting.clock.pending]).toEqual([['Qt1 500', 'X1'], [], 0]);
  });
});

describe('the time of a call', () => {
  it('is up when its caller says so: it fails and is cancelled', () => {
    const { make, at, clock } = client();
    const { log } = make({ timeoutMs: 500 });
    at(0).accept();
    clock.advance(499);
    expect(log).toEqual([]);
    clock.advance(1);
    expect([log, at(0).heads()]).toEqual([[['error', 'DEADLINE_EXCEEDED', undefined]], ['Qt1 500', 'X1']]);
  });

  it('is up while it still waits for a connection, too', () => {
    const { make, at, clock } = client();
    const { log } = make({ timeoutMs: 500 });
    clock.advance(500);
    at(0).accept();
    expect([log.map(([, code]) => code), at(0).frames()]).toEqual([['DEADLINE_EXCEEDED'], []]);
  });

  it('is that of requestTimeoutMs where nothing else is said, and none where that is 0', () => {
    const { make, at, clock } = client();
    const limited = make({ requestTimeoutMs: 300 });
    const own = make({ requestTimeoutMs: 300, timeoutMs: 400 });
    const unlimited = make();
    at(0).accept();
    expect(at(0).heads()).toEqual(['Qt1 300', 'Qt2 400', 'Qt3']);
    clock.advance(300);
    expect([limited.log.length, own.log.length]).toEqual([1, 0]);
    clock.advance(1_000_000);
    expect([own.log.length, unlimited.log.length]).toEqual([1, 0]);
  });

  it('beyond what a timer can count is none', () => {
    for (const timeoutMs of [2 ** 31, Infinity]) {
      const { make, at, clock } = client();
      make({ timeoutMs });
      at(0).accept();
      expect([at(0).heads(), clock.pending]).toEqual([['Qt1'], 0]);
    }
  });
});

describe('the signal of a call', () => {
  it('cancels it, with its reason for the cause', () => {
    const { make, at, clock } = client();
    const controller = new AbortController();
    const { log } = make({ signal: controller.signal, timeoutMs: 500 });
    at(0).accept();
    controller.abort(new Error('enough'));
    controller.abort();
    expect([log, at(0).heads()]).toEqual([[['error', 'CANCELLED', undefined]], ['Qt1 500', 'X1']]);
    expect([clock.pending, getEventListeners(controller.signal, 'abort')]).toEqual([0, []]);
  });

  it('says nothing of a call that has ended', () => {
    const { make, at } = client();
    const controller = new AbortController();
    const { log } = make({ signal: controller.signal });
    at(0).accept();
    at(0).send('At1', 'A');
    at(0).frames();
    controller.abort();
    expect([log, at(0).frames()]).toEqual([ANSWERED, []]);
  });
});

function onMetadata(): never {
  throw new Error("the caller's own");
}

describe('the metadata of an answer', () => {
  it('is told before the end, for values, items, ends and errors', () => {
    const { make, at } = client();
    const told: unknown[] = [];
    const made = [0, 1, 2, 3].map((index) =>
      make({ onMetadata: ({ k }) => told.push([index, k, made[index]?.log.at(-1)?.[0]]) }),
    );
    at(0).accept();
    at(0).send('At1', 'A', '{"k":"a"}');
    at(0).send('Nt2', 'A');
    at(0).send('C2', '{"k":"b"}');
    at(0).send('E3', '{"code":"APPLICATION","message":"m"}', '{"k":"c"}');
    at(0).send('C4');
    expect(told).toEqual([
      [0, 'a', 'value'],
      [1, 'b', 'value'],
      [2, 'c', undefined],
    ]);
    expect(made.map(({ log }) => log.at(-1)?.[0])).toEqual(['complete', 'complete', 'error', 'complete']);
  });

  it('told to a function that throws fails that call, and harms no other', () => {
    const { make, at } = client();
    const completed = make({ onMetadata });
    const failed = make({ onMetadata });
    const other = make();
    at(0).accept();
    at(0).frames();
    at(0).send('C1', '{"k":"v"}');
    at(0).send('E2', '{"code":"APPLICATION","message":"m"}', '{"k":"v"}');
    at(0).send('At3', 'A');
    expect(completed.log).toEqual([['error', 'INTERNAL', undefined]]);
    expect(failed.log).toEqual([['error', 'APPLICATION', undefined]]);
    expect([other.log, at(0).frames()]).toEqual([ANSWERED, []]);
  });
});
