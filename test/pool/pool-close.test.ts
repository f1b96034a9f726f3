import { describe, expect, test } from 'vitest';

import { XtcpError } from '../../src/errors/xtcp-error.js';
import { callOf } from '../classic/caller-fixture.js';
import { isSettled, pooled } from './fake-dial.js';

const CLOSED = new XtcpError('CANCELLED', 'the client was closed');

describe('close', () => {
  test('fails the calls that wait, connect and are under way, each once', async () => {
    const { pool, call, clock, dialled, dials, opened } = pooled({
      connections: 2,
      queueTimeoutMs: 5000,
      requestTimeoutMs: 5000,
    });
    const outcomes = ['under way', 'connecting', 'waiting'].map(call);
    opened(0);
    const closing = pool.close(CLOSED);

    for (const { values, errors } of outcomes) expect([values, errors]).toEqual([[], [CLOSED]]);
    expect(dialled(0).bytes.did).toEqual(['destroy']);
    expect(dialled(1).cancelled).toBe(true);
    expect(clock.pending).toBe(0);
    dialled(0).bytes.close();
    await closing;
    expect(dials).toHaveLength(2);
  });

  test('fails all the calls of one connection', async () => {
    const { pool, call, dialled, opened } = pooled({ connections: 1, pipelining: 3 });
    const outcomes = ['a', 'b', 'c'].map(call);
    opened(0);
    const closing = pool.close(CLOSED);
    dialled(0).bytes.close();
    await closing;

    for (const { errors } of outcomes) expect(errors).toEqual([CLOSED]);
  });

  test('resolves when the last connection is gone, one that was ending already included', async () => {
    const { pool, call, dialled, opened } = pooled({ connections: 2 });
    for (const [index, method] of ['a', 'b'].entries()) {
      call(method);
      opened(index).answer('');
    }
    expect(dialled(1).bytes.did).toContain('end');
    const closing = pool.close(CLOSED);
    dialled(0).bytes.close();
    expect(await isSettled(closing)).toBe(false);

    dialled(1).bytes.close();
    expect(await isSettled(closing)).toBe(true);
  });

  test('resolves at once where there is nothing, and again', async () => {
    const { pool, told } = pooled();
    await pool.close(CLOSED);
    await pool.close(CLOSED);

    expect(told).toEqual(['disconnected', 'disconnected']);
  });

  test('does not wait for connections that are gone already', async () => {
    const { pool, call, dialled, opened } = pooled();
    call('a');
    opened(0).answer('A');
    dialled(0).close();

    expect(await isSettled(pool.close(CLOSED))).toBe(true);
  });

  test('may be called again before it has resolved', async () => {
    const { pool, call, dialled, opened } = pooled();
    const { errors } = call('a');
    opened(0);
    const closing = [pool.close(CLOSED), pool.close(CLOSED)];
    dialled(0).bytes.close();
    await Promise.all(closing);

    expect(errors).toEqual([CLOSED]);
  });

  test('leaves a pool that may be used again', async () => {
    const { pool, call, opened } = pooled();
    call('a');
    await pool.close(CLOSED);
    const { values } = call('b');
    opened(1).answer('B');

    expect(values).toEqual(['B']);
  });

  test('does not wait for connections that were opened behind it', async () => {
    const { pool, call, dialled, opened } = pooled();
    call('a');
    opened(0);
    const closing = pool.close(CLOSED);
    call('b');
    opened(1);
    dialled(0).bytes.close();

    expect(await isSettled(closing)).toBe(true);
  });

  test('does not fail the calls that are made from within the failure of others', () => {
    const { pool, opened, dials } = pooled({ connections: 1 });
    let failures = 0;
    const { call } = callOf('a');
    const again = {
      ...call,
      onError: () => {
        failures++;
        if (failures < 5) pool.call({ ...again });
      },
    };
    pool.call(again);
    opened(0);
    void pool.close(CLOSED);

    expect(failures).toBe(1);
    expect(dials[1]?.cancelled).toBe(false);
  });

  test('from within the opening of a connection fails the call that waits for it', () => {
    const closing: Promise<void>[] = [];
    const { call, opened, pool } = pooled({}, (what) => {
      if (what === 'connect') closing.push(pool.close(CLOSED));
    });
    const { errors } = call('a');
    opened(0);

    expect(errors).toEqual([CLOSED]);
  });
});

describe('connect', () => {
  test('resolves when a connection is open, which the next call then uses', async () => {
    const { pool, call, dials, opened } = pooled();
    const connecting = pool.connect();
    expect(await isSettled(connecting)).toBe(false);
    const server = opened(0);
    await connecting;
    call('a');

    expect(server.requests()).toEqual(['a']);
    expect(dials).toHaveLength(1);
  });

  test('opens one connection, however often it is asked', async () => {
    const { pool, dials, opened } = pooled();
    const connecting = [pool.connect(), pool.connect()];
    opened(0);
    await Promise.all(connecting);
    await pool.connect();

    expect(dials).toHaveLength(1);
  });

  test('is content with a connection that a call has opened or opens', async () => {
    const { pool, call, dials, opened } = pooled();
    call('a');
    const connecting = pool.connect();
    opened(0);
    await connecting;
    await pool.connect();

    expect(dials).toHaveLength(1);
  });

  test('rejects when the connection that a call opens cannot be had', async () => {
    const { pool, call, dialled } = pooled();
    const { errors } = call('a');
    const connecting = pool.connect();
    dialled(0).fail();

    await expect(connecting).rejects.toBe(errors[0]);
  });

  test('rejects with the reason where none can be opened, and may be tried again', async () => {
    const { pool, dialled, opened } = pooled();
    const connecting = pool.connect();
    const error = new XtcpError('UNAVAILABLE', 'nothing listens there', { executed: false });
    dialled(0).fail(error);
    await expect(connecting).rejects.toBe(error);

    const again = pool.connect();
    opened(1);
    await again;
  });

  test('rejects when the pool is closed before', async () => {
    const { pool, dialled } = pooled();
    const connecting = pool.connect();
    const closing = pool.close(CLOSED);

    await expect(connecting).rejects.toMatchObject({ name: 'XtcpError', code: 'CANCELLED' });
    expect(dialled(0).cancelled).toBe(true);
    await closing;
  });

  test('beside a call leaves the limit of connections that carry calls as it is', async () => {
    const { pool, call, dials } = pooled({ connections: 1 });
    call('a');
    const connecting = pool.connect();
    for (const dialled of dials) dialled.open();
    await connecting;
    call('b');

    expect(dials.flatMap((dialled) => dialled.requests())).toEqual(['a']);
  });
});
