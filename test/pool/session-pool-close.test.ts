import { describe, expect, it } from 'vitest';

import { XtcpError } from '../../src/errors/xtcp-error.js';
import { recorded, settled } from '../session/session-play.js';
import { pooling, type Pooling } from './session-pooling.js';

const CLOSED = new XtcpError('CANCELLED', 'the client was closed');

const failed = (code: string): unknown[] => [['error', code, undefined, undefined]];

/** Closes a pool, and tells whether it has been closed. */
function closing(pool: Pooling['pool']): { done: () => Promise<boolean> } {
  let done = false;
  void pool.close(CLOSED).finally(() => {
    done = true;
  });
  return {
    done: async () => {
      await settled();
      return done;
    },
  };
}

describe('a pool that is closed', () => {
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
    const unreachable = pool.connect();
    at(0).fail();
    await expect(unreachable).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const connecting = Promise.allSettled([pool.connect()]);
    await pool.close(CLOSED);
    expect(await connecting).toMatchObject([{ status: 'rejected', reason: { code: 'CANCELLED' } }]);
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
