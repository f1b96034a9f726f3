import { describe, expect, it } from 'vitest';

import { recorded } from '../session/session-play.js';
import { pooling } from './session-pooling.js';

const failed = (code: string, executed?: false): unknown[] => [['error', code, executed, undefined]];

describe('calls', () => {
  it('wait for the session, which the first of them opens, and are sent in order', () => {
    const { pool, dials, at, told, clock } = pooling();
    expect(dials).toHaveLength(0);
    pool.call(recorded({ pattern: 'a' }));
    pool.call(recorded({ pattern: 'b' }));
    expect([dials.length, told]).toEqual([1, []]);
    at(0).accept();
    expect(at(0).frames()).toEqual([
      ['Qt1', 'a', 'a'],
      ['Qt2', 'b', 'a'],
    ]);
    expect([told, clock.pending]).toEqual([['connect', 'connected'], 0]);
    pool.call(recorded());
    expect([at(0).heads(), dials.length]).toEqual([['Qt3'], 1]);
  });

  it('beyond what the server serves at once wait for one of the others to end', () => {
    const { pool, dials, at } = pooling();
    const calls = Array.from({ length: 102 }, () => recorded());
    const cancels = calls.map((call) => pool.call(call));
    at(0).accept();
    expect(at(0).heads()).toHaveLength(100);
    at(0).send('At7', 'A');
    expect(at(0).heads()).toEqual(['Qt101']);
    cancels[3]?.();
    expect(at(0).heads()).toEqual(['X4', 'Qt102']);
    expect(dials).toHaveLength(1);
  });

  it('that wait for too long fail, not executed', () => {
    const { pool, clock } = pooling({ connectTimeoutMs: 0 });
    const call = recorded();
    pool.call(call);
    clock.advance(500);
    expect(call.log).toEqual(failed('RESOURCE_EXHAUSTED', false));
  });

  it('that are cancelled while they wait are never sent', () => {
    const { pool, at } = pooling();
    const call = recorded();
    pool.call(call)();
    at(0).accept();
    expect([at(0).frames(), call.log]).toEqual([[], []]);
  });

  it('fail where no session was ever opened, and the next one dials again, when its time has come', () => {
    const { pool, dials, at, told, clock } = pooling();
    const [call, next] = [recorded(), recorded()];
    pool.call(call);
    at(0).fail();
    expect([call.log, told]).toEqual([failed('UNAVAILABLE', false), ['lost UNAVAILABLE', 'disconnected']]);
    pool.call(next);
    clock.advance(49);
    expect(dials).toHaveLength(1);
    clock.advance(1);
    at(1).accept();
    expect([dials.length, at(1).heads(), next.log]).toEqual([2, ['Qt1'], []]);
  });

  it('that fail may be made again from within their error, over a new connection', () => {
    const { pool, dials, at, clock } = pooling();
    const again = recorded();
    pool.call(recorded({ onError: () => pool.call(again) }));
    at(0).fail();
    clock.advance(50);
    expect(dials).toHaveLength(2);
    at(1).accept();
    expect(at(1).heads()).toEqual(['Qt1']);
  });
});

describe('a session that is lost', () => {
  it('fails its calls, and those that wait go over a new one', () => {
    const { pool, dials, at, told } = pooling();
    const calls = Array.from({ length: 102 }, () => recorded());
    for (const call of calls) pool.call(call);
    at(0).accept().send('At1', 'A');
    at(0).frames();
    at(0).stream.close(new Error('reset'));
    expect([calls[1]?.log, calls[100]?.log, calls[101]?.log]).toEqual([
      failed('UNAVAILABLE'),
      failed('UNAVAILABLE'),
      [],
    ]);
    expect([dials.length, told.slice(2)]).toEqual([2, ['lost UNAVAILABLE', 'reconnecting', 'close']]);
    at(1).accept();
    expect(at(1).heads()).toEqual(['Qt1']);
  });

  it('is opened again, whether or not a call needs it', () => {
    const { pool, dials, at, told } = pooling();
    pool.call(recorded());
    at(0).accept().send('At1', 'A');
    at(0).stream.close();
    expect(dials).toHaveLength(2);
    at(1).accept();
    expect(told.slice(2)).toEqual(['reconnecting', 'close', 'connect', 'connected']);
  });

  it('while calls are on it is told as lost', () => {
    const { pool, at, told } = pooling();
    pool.call(recorded());
    at(0).accept();
    at(0).stream.close(new Error('reset'));
    expect(told).toContain('lost UNAVAILABLE');
  });
});

describe('a server that is going away', () => {
  it('finishes its calls, while new ones go over a new connection', () => {
    const { pool, dials, at, told } = pooling();
    const [before, after] = [recorded(), recorded()];
    pool.call(recorded());
    pool.call(before);
    at(0).accept().send('At1', 'A');
    at(0).frames();
    at(0).send('G', '{}');
    pool.call(after);
    expect([dials.length, at(0).frames()]).toEqual([2, []]);
    at(1).accept();
    expect(at(1).heads()).toEqual(['Qt1']);
    at(0).send('At2', 'A');
    expect([before.log.length, at(0).stream.did]).toEqual([2, ['resume', 'end']]);
    at(0).stream.close();
    expect(told).toEqual(['connect', 'connected', 'reconnecting', 'connect', 'connected', 'close']);
    at(1).send('At1', 'A');
    expect(after.log).toHaveLength(2);
  });

  it('has those that wait for room sent to a new connection', () => {
    const { pool, dials, at } = pooling();
    for (let call = 0; call < 102; call++) pool.call(recorded());
    at(0).accept().send('At1', 'A');
    at(0).frames();
    at(0).send('G', '{}');
    expect(dials).toHaveLength(2);
    at(1).accept();
    expect([at(0).frames(), at(1).heads()]).toEqual([[], ['Qt1']]);
  });
});
