import { describe, expect, it } from 'vitest';

import type { ServedCall } from '../../src/session/served-call.js';
import { requireMsgpack } from '../../src/wire/msgpack.js';
import { serving } from './session-play.js';

const codeIn = (fields: readonly string[] | undefined): unknown => JSON.parse(fields?.[1] ?? '{}') as unknown;
const NOT_RUN = { executed: false };

describe('a server', () => {
  it('serves a call with all that came with it', () => {
    const { calls, send } = serving();
    send('Qj3 250', 'to:upper', '[1]', '{"trace":"x"}');
    expect(calls[0]?.opened).toMatchObject({
      id: 3,
      kind: 'call',
      pattern: 'to:upper',
      data: [1],
      metadata: { trace: 'x' },
      timeoutMs: 250,
    });
    expect(calls[0]?.input).toBeUndefined();
  });

  it('reads a call without metadata or deadline, and skips fields and numbers beyond those that it has', () => {
    const { calls, send } = serving();
    send('Q-1', 'p', '');
    send('Qt2 100 9 9', 'p', 'a', '', 'later', 'and later');
    expect(calls.map(({ opened }) => [opened.data, opened.metadata, opened.timeoutMs])).toEqual([
      [undefined, undefined, undefined],
      ['a', undefined, 100],
    ]);
  });

  it('has calls answered in any order', () => {
    const { calls, send, frames } = serving();
    for (const id of [1, 2, 3]) send(`Qt${id}`, 'p', 'a');
    for (const index of [2, 0, 1]) calls[index]?.answer(index);
    expect(frames().map(([head]) => head)).toEqual(['Aj3', 'Aj1', 'Aj2']);
  });

  it('takes ids with gaps, up to 2^53-1', () => {
    const { calls, send } = serving();
    for (const id of [5, 6, 1000, Number.MAX_SAFE_INTEGER]) send(`Qt${id}`, 'p', 'a');
    expect(calls.map(({ opened }) => opened.id)).toEqual([5, 6, 1000, Number.MAX_SAFE_INTEGER]);
  });

  it('takes no more calls than it has places, and says so', () => {
    const { calls, send, frames } = serving({ own: { maxCalls: 2 } });
    for (const id of [1, 2, 3]) send(`Qt${id}`, 'p', 'a');
    expect(calls).toHaveLength(2);
    const [refusal] = frames();
    expect(refusal?.[0]).toBe('E3');
    expect(codeIn(refusal)).toMatchObject({ code: 'RESOURCE_EXHAUSTED', ...NOT_RUN });
  });

  it.each<[string, (call: ServedCall, send: (...fields: string[]) => void) => void]>([
    ['is answered', (call) => call.answer('A')],
    ['is cancelled', (_call, send) => send('X1')],
    ['has failed', (call) => call.items.push(1n)],
  ])('keeps the place of a call that %s until its handler has ended', (_how, end) => {
    const { calls, send, frames } = serving({ own: { maxCalls: 1 } });
    send('Qt1', 'p', 'a');
    end(calls[0]!, send);
    frames();
    send('Qt2', 'p', 'a');
    expect([frames()[0]?.[0], calls.length]).toEqual(['E2', 1]);
    calls[0]?.leave();
    send('Qt3', 'p', 'a');
    expect(calls).toHaveLength(2);
  });

  it('keeps the place of an event behind its acknowledgement until its handlers have ended', () => {
    const { calls, send, heads } = serving({ own: { maxCalls: 1 } });
    send('Vt1', 'p', 'a');
    calls[0]?.received();
    send('Vt2', 'p', 'a');
    expect(heads()).toEqual(['C1', 'E2']);
    calls[0]?.leave();
    send('Vt3', 'p', 'a');
    expect(calls).toHaveLength(2);
  });

  it.each([
    ['with no time left', ['Qt1 0', 'p', 'a'], 'DEADLINE_EXCEEDED'],
    ['with a pattern over 1 KiB', ['Qt1', 'p'.repeat(1025), 'a'], 'RESOURCE_EXHAUSTED'],
    ['with a pattern that is not UTF-8', ['Qt1', '\xff', 'a'], 'INVALID_ARGUMENT'],
    ['with a payload that is not UTF-8', ['Qt1', 'p', '\xff'], 'INVALID_ARGUMENT'],
    ['with a payload that is not JSON', ['Qj1', 'p', '{'], 'INVALID_ARGUMENT'],
    ['with metadata that is not JSON', ['Qt1', 'p', 'a', '{'], 'INVALID_ARGUMENT'],
    ['with metadata of another type', ['Qt1', 'p', 'a', '[]'], 'INVALID_ARGUMENT'],
    ['with metadata over 8 KiB', ['Qt1', 'p', 'a', `{"k":"${'v'.repeat(8185)}"}`], 'RESOURCE_EXHAUSTED'],
    ['with input and no time left', ['O-1 0', 'p', ''], 'DEADLINE_EXCEEDED'],
    ['that is an event with no time left', ['Vt1 1 0', 'p', 'a'], 'DEADLINE_EXCEEDED'],
  ])('ends a call %s, and no other', (_what, fields, code) => {
    const { calls, send, frames, broken } = serving();
    send(...fields);
    const [refusal] = frames();
    expect(refusal?.[0]).toBe('E1');
    expect(codeIn(refusal)).toMatchObject({ code, ...NOT_RUN });
    send('Qt2', 'p', 'a');
    expect(calls.map(({ opened }) => opened.id)).toEqual([2]);
    expect(broken).toEqual([]);
    // What the caller still says of the call that was refused is late, no more.
    for (const late of ['X1', 'C1', 'W1 5']) send(late);
    send('Nt1', 'a');
    expect(frames()).toEqual([]);
  });

  it('takes a pattern of just 1 KiB', () => {
    const { calls, send } = serving();
    send('Qt1', 'p'.repeat(1024), 'a');
    expect(calls).toHaveLength(1);
  });

  it('skips what is late for a call that has ended', () => {
    const { calls, send, frames, stream } = serving();
    send('Qt1', 'p', 'a');
    calls[0]?.answer('A');
    frames();
    for (const late of ['X1', 'C1', 'W1 5']) send(late);
    send('E1', '{}');
    send('Nt1', 'late');
    expect([frames(), stream.did]).toEqual([[], []]);
  });

  it('answers in MessagePack only where both sides speak it', () => {
    const msgpack = requireMsgpack('this test');
    const both = serving({ msgpack, peer: { codecs: ['m'] } });
    both.send('Qm1', 'p', '\x01');
    expect(both.calls).toHaveLength(1);
    const oneSided = serving({ msgpack });
    oneSided.send('Qm1', 'p', '\x01');
    expect(oneSided.broken[0]?.code).toBe('PROTOCOL_ERROR');
  });
});

const event = (head: string): { call: ServedCall; heads: () => string[]; clock: { pending: number } } => {
  const { calls, send, heads, clock } = serving();
  send(head, 'p', 'a');
  return { call: calls[0]!, heads, clock };
};

describe('an event', () => {
  it('is acknowledged when it is handed to its handlers, where nothing else is said', () => {
    for (const head of ['Vt1', 'Vt1 1', 'Vt1 1 500']) {
      const { call, heads } = event(head);
      expect([call.opened.kind, heads()]).toEqual(['event', []]);
      call.received();
      expect(heads()).toEqual(['C1']);
      call.fail(call.errors.toError(new Error('too late'), 'iterator'));
      call.complete();
      call.leave();
      expect(heads()).toEqual([]);
    }
  });

  it('with ack 2 is acknowledged when all its handlers have ended, well or badly', () => {
    const well = event('Vt1 2');
    well.call.received();
    expect(well.heads()).toEqual([]);
    well.call.complete();
    expect(well.heads()).toEqual(['C1']);
    const badly = event('Vt1 2');
    badly.call.received();
    badly.call.items.push(1n);
    expect(badly.heads()).toEqual(['E1']);
  });

  it('with ack 1 that reaches no handler ends with an error', () => {
    const { call, heads } = event('Vt1 1');
    call.items.push(1n);
    expect(heads()).toEqual(['E1']);
  });

  it.each<[string, (call: ServedCall) => unknown]>([
    ['received', (call) => call.received()],
    ['completed', (call) => call.complete()],
    ['failed', (call) => call.items.push(1n)],
    ['answered', (call) => call.answer('A')],
  ])('with ack 0 says nothing when it is %s', (_how, end) => {
    const { call, heads } = event('Vt1 0');
    end(call);
    expect([heads(), call.isLive]).toEqual([[], false]);
  });

  it('with ack 0 that is refused says nothing either', () => {
    const { calls, send, heads } = serving();
    send('Vj1 0', 'p', '{');
    send('Vt2 0 0', 'p', 'a');
    expect([calls, heads()]).toEqual([[], []]);
  });

  it('has no answer with a value', () => {
    const { call, heads } = event('Vt1 2');
    call.answer('A');
    expect(heads()).toEqual(['C1']);
  });
});
