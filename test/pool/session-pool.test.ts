import { describe, expect, it } from 'vitest';

import { XtcpError } from '../../src/errors/xtcp-error.js';
import { SessionPool, type SessionPoolLimits } from '../../src/pool/session-pool.js';
import type { OutgoingCall } from '../../src/session/client-session.js';
import { HELLO, recorded, settled } from '../session/session-play.js';
import { FakeClock } from '../support/fake-clock.js';
import { dialling, type Dialled } from './session-dialling.js';

const CLOSED = new XtcpError('CANCELLED', 'the client was closed');

interface Pooling {
  readonly clock: FakeClock;
  readonly pool: SessionPool<OutgoingCall>;
  readonly dials: Dialled[];
  readonly at: (index: number) => Dialled;
  /** What the pool told, in order. */
  readonly told: string[];
}

function pooling(given: Partial<SessionPoolLimits> = {}): Pooling {
  const clock = new FakeClock();
  const told: string[] = [];
  const limits = {
    connectTimeoutMs: 200,
    incompleteMessageTimeout: 0,
    keepAliveIntervalMs: 0,
    keepAliveTimeoutMs: 0,
    maxAheadBytes: 0,
    queueTimeoutMs: 500,
    gracePeriodMs: 1000,
    ...given,
  };
  const { dial, dials, at } = dialling();
  const pool = new SessionPool<OutgoingCall>(dial, HELLO, limits, clock, undefined, {
    onConnect: () => told.push('connect'),
    onLost: ({ code }) => told.push(`lost ${code}`),
    onClose: () => told.push('close'),
    onStatus: (status) => told.push(status),
    onClassic: () => told.push('classic'),
  });
  return { clock, pool, dials, at, told };
}

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

  it('fail where no session can be opened, and the next one dials again', () => {
    const { pool, dials, at, told } = pooling();
    const [call, next] = [recorded(), recorded()];
    pool.call(call);
    at(0).fail();
    expect([call.log, told]).toEqual([failed('UNAVAILABLE', false), ['lost UNAVAILABLE', 'disconnected']]);
    pool.call(next);
    at(1).accept();
    expect([dials.length, at(1).heads(), next.log]).toEqual([2, ['Qt1'], []]);
  });

  it('that fail may be made again from within their error, over a new connection', () => {
    const { pool, dials, at } = pooling();
    const again = recorded();
    pool.call(recorded({ onError: () => pool.call(again) }));
    at(0).fail();
    expect(dials).toHaveLength(2);
    at(1).accept();
    expect(at(1).heads()).toEqual(['Qt1']);
  });
});

describe('a session that is lost', () => {
  it('fails its calls, and those that wait go over a new one', () => {
    const { pool, dials, at, told } = pooling();
    const calls = Array.from({ length: 101 }, () => recorded());
    for (const call of calls) pool.call(call);
    at(0).accept();
    at(0).frames();
    at(0).stream.close(new Error('reset'));
    expect([calls[0]?.log, calls[99]?.log, calls[100]?.log]).toEqual([
      failed('UNAVAILABLE'),
      failed('UNAVAILABLE'),
      [],
    ]);
    expect([dials.length, told.slice(2)]).toEqual([2, expect.arrayContaining(['disconnected', 'close'])]);
    at(1).accept();
    expect(at(1).heads()).toEqual(['Qt1']);
  });

  it('is not opened again before it is needed', () => {
    const { pool, dials, at, clock } = pooling();
    pool.call(recorded());
    at(0).accept();
    at(0).stream.close();
    clock.advance(1_000_000);
    expect([dials.length, clock.pending]).toEqual([1, 0]);
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
    pool.call(before);
    at(0).accept();
    at(0).frames();
    at(0).send('G', '{}');
    pool.call(after);
    expect([dials.length, at(0).frames()]).toEqual([2, []]);
    at(1).accept();
    expect(at(1).heads()).toEqual(['Qt1']);
    at(0).send('At1', 'A');
    expect([before.log.length, at(0).stream.did]).toEqual([2, ['resume', 'end']]);
    at(0).stream.close();
    expect(told).toEqual(['connect', 'connected', 'disconnected', 'connect', 'connected', 'close']);
    at(1).send('At1', 'A');
    expect(after.log).toHaveLength(2);
  });

  it('has those that wait for room sent to a new connection', () => {
    const { pool, dials, at } = pooling();
    for (let call = 0; call < 101; call++) pool.call(recorded());
    at(0).accept();
    at(0).frames();
    at(0).send('G', '{}');
    expect(dials).toHaveLength(2);
    at(1).accept();
    expect([at(0).frames(), at(1).heads()]).toEqual([[], ['Qt1']]);
  });
});

describe('a pool that is closed', () => {
  const closing = (pool: Pooling['pool']): { done: () => Promise<boolean> } => {
    let done = false;
    void pool.close(CLOSED).then(() => (done = true));
    return { done: async () => (await settled(), done) };
  };

  it('lets the calls that run finish, fails those that wait, and is closed when the connection is', async () => {
    const { pool, at, told } = pooling();
    const calls = Array.from({ length: 101 }, () => recorded());
    for (const call of calls) pool.call(call);
    at(0).accept();
    at(0).frames();
    const { done } = closing(pool);
    expect([calls[100]?.log, calls[0]?.log, at(0).heads()]).toEqual([failed('CANCELLED'), [], ['G']]);
    for (let id = 1; id <= 100; id++) at(0).send(`At${id}`, 'A');
    expect([calls[0]?.log.length, at(0).stream.did, await done()]).toEqual([2, ['resume', 'end'], false]);
    at(0).stream.close();
    expect([await done(), told.at(-1)]).toEqual([true, 'close']);
  });

  it('fails them when its grace period is over', async () => {
    const { pool, at, clock } = pooling();
    const call = recorded();
    pool.call(call);
    at(0).accept();
    const { done } = closing(pool);
    clock.advance(999);
    expect(call.log).toEqual([]);
    clock.advance(1);
    expect([call.log, at(0).stream.did]).toEqual([failed('CANCELLED'), ['destroy']]);
    at(0).stream.close();
    expect([await done(), clock.pending]).toEqual([true, 0]);
  });

  it('without a grace period fails them at once', async () => {
    const { pool, at } = pooling({ gracePeriodMs: 0 });
    const call = recorded();
    pool.call(call);
    at(0).accept();
    const { done } = closing(pool);
    expect([call.log, at(0).stream.did]).toEqual([failed('CANCELLED'), ['destroy']]);
    at(0).stream.close();
    expect(await done()).toBe(true);
  });

  it('also ends those connections that were going away', async () => {
    const { pool, at, clock } = pooling();
    const call = recorded();
    pool.call(call);
    at(0).accept();
    at(0).send('G', '{}');
    const { done } = closing(pool);
    expect(await done()).toBe(false);
    clock.advance(1000);
    expect(call.log).toEqual(failed('CANCELLED'));
    at(0).stream.close();
    expect(await done()).toBe(true);
  });

  it('stops what it dials', async () => {
    const { pool, at, clock } = pooling();
    const call = recorded();
    pool.call(call);
    const { done } = closing(pool);
    expect([at(0).cancelled, call.log, await done(), clock.pending]).toEqual([true, failed('CANCELLED'), true, 0]);
  });

  it('stops what it greets', async () => {
    const { pool, at, clock } = pooling();
    const call = recorded();
    pool.call(call);
    at(0).open();
    const { done } = closing(pool);
    expect([at(0).stream.did, call.log, await done()]).toEqual([['destroy'], failed('CANCELLED'), false]);
    at(0).stream.close();
    expect([await done(), clock.pending]).toEqual([true, 0]);
  });

  it('and was never used is closed at once, and opens again for the next call', async () => {
    const { pool, at } = pooling();
    await pool.close(CLOSED);
    pool.call(recorded());
    at(0).accept();
    expect(at(0).heads()).toEqual(['Qt1']);
  });
});

describe('connecting', () => {
  it('dials once for all who ask, and resolves when the session stands', async () => {
    const { pool, dials, at } = pooling();
    const all = Promise.all([pool.connect(), pool.connect()]);
    at(0).accept();
    await all;
    await pool.connect();
    expect(dials).toHaveLength(1);
  });

  it('rejects where none can be opened, and where the pool is closed', async () => {
    const { pool, at } = pooling();
    const unreachable = expect(pool.connect()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    at(0).fail();
    await unreachable;
    const closed = expect(pool.connect()).rejects.toMatchObject({ code: 'CANCELLED' });
    await pool.close(CLOSED);
    await closed;
  });

  it('resolves where the server turns out to be classic', async () => {
    const { pool, at, told } = pooling();
    const connected = pool.connect();
    at(0).open();
    at(0).send('');
    await connected;
    expect(told).toEqual(['classic']);
  });
});
