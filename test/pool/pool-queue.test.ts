import { describe, expect, test } from 'vitest';

import { pooled } from './fake-dial.js';

describe('calls', () => {
  test('open a connection each, up to the limit, and the rest waits in order', () => {
    const { call, dials, opened } = pooled({ connections: 2 });
    for (const method of ['a', 'b', 'c', 'd']) call(method);
    expect(dials).toHaveLength(2);
    expect(opened(0).requests()).toEqual(['a']);
    expect(opened(1).requests()).toEqual(['b']);

    dials[1]?.answer('B');
    expect(dials).toHaveLength(3);
    expect(opened(2).requests()).toEqual(['c']);
    dials[0]?.answer('A');
    expect(opened(3).requests()).toEqual(['d']);
  });

  test('get their own answers', () => {
    const { call, opened } = pooled({ connections: 3 });
    const outcomes = ['a', 'b', 'c'].map(call);
    for (const index of [2, 0, 1]) opened(index).answer(`answer ${index}`);

    expect(outcomes.map(({ values }) => values)).toEqual([['answer 0'], ['answer 1'], ['answer 2']]);
  });

  test('may be made from within an answer, behind those that wait already', () => {
    const { pool, call, opened, dials } = pooled({ connections: 1 });
    const { call: again } = call('first');
    pool.call({ ...again, method: 'outer', onAnswer: () => call('inner') });
    call('waiting');
    opened(0).answer('');
    opened(1).answer('');
    expect(opened(2).requests()).toEqual(['waiting']);

    dials[2]?.answer('');
    expect(opened(3).requests()).toEqual(['inner']);
  });
});

describe('queueTimeoutMs', () => {
  test('fails a call that finds no place in time, which was then not run', () => {
    const { call, clock, dials, opened } = pooled({ connections: 1, queueTimeoutMs: 5000 });
    call('a');
    const waiting = call('b');
    clock.advance(4999);
    expect(waiting.errors).toEqual([]);

    clock.advance(1);
    expect(waiting.errors).toMatchObject([{ code: 'RESOURCE_EXHAUSTED', executed: false }]);
    expect(waiting.errors[0]?.message).toContain('5000 ms (queueTimeoutMs)');
    opened(0).answer('A');
    expect(dials).toHaveLength(1);
  });

  test('counts from each call on', () => {
    const { call, clock } = pooled({ connections: 1, queueTimeoutMs: 5000 });
    call('a');
    const early = call('b');
    clock.advance(3000);
    const late = call('c');
    clock.advance(2000);

    expect([early.errors.length, late.errors.length]).toEqual([1, 0]);
  });

  test('does not count for a call that has its place, not even while that connects', () => {
    const { call, clock, opened } = pooled({ connections: 1, queueTimeoutMs: 5000 });
    const { errors, values } = call('a');
    expect(clock.pending).toBe(0);
    clock.advance(5000);
    opened(0).answer('A');

    expect(errors).toEqual([]);
    expect(values).toEqual(['A']);
  });

  test('of 0 never passes', () => {
    const { call, clock, opened } = pooled({ connections: 1, queueTimeoutMs: 0 });
    call('a');
    const waiting = call('b');
    clock.advance(1e9);
    opened(0).answer('A');
    opened(1).answer('B');

    expect(waiting.values).toEqual(['B']);
  });
});

describe('a call that is cancelled', () => {
  test('while it waits lets those behind it move up', () => {
    const { call, clock, opened } = pooled({ connections: 1, queueTimeoutMs: 5000 });
    call('a');
    const waiting = call('b');
    call('c');
    waiting.cancel();
    waiting.cancel();
    opened(0).answer('A');

    expect(opened(1).requests()).toEqual(['c']);
    expect([...waiting.values, ...waiting.errors]).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test('while its connection is opened gives that to the next', () => {
    const { call, dials, opened } = pooled({ connections: 1 });
    const connecting = call('a');
    call('b');
    connecting.cancel();

    expect(opened(0).requests()).toEqual(['b']);
    expect(dials).toHaveLength(1);
    expect([...connecting.values, ...connecting.errors]).toEqual([]);
  });

  test('while it is under way resets its connection and frees its place', () => {
    const { call, dialled, opened } = pooled({ connections: 1 });
    const underWay = call('a');
    call('b');
    opened(0);
    underWay.cancel();
    dialled(0).bytes.close();

    expect(dialled(0).bytes.did).toEqual(['reset']);
    expect(opened(1).requests()).toEqual(['b']);
    expect([...underWay.values, ...underWay.errors]).toEqual([]);
  });

  test('when it is over changes nothing', () => {
    const { call, dialled, opened, told } = pooled({ connections: 1 });
    const { cancel, values } = call('a');
    opened(0).answer('A');
    const before = [...told];
    cancel();

    expect(values).toEqual(['A']);
    expect(told).toEqual(before);
    expect(dialled(0).bytes.did).toEqual([]);
  });
});

describe('a dial that fails', () => {
  test('fails its call, which was then not run, and the next call dials anew', () => {
    const { call, dialled, dials, opened } = pooled({ connections: 1 });
    const first = call('a');
    const second = call('b');
    dialled(0).fail();
    expect(first.errors).toMatchObject([{ code: 'UNAVAILABLE', executed: false }]);
    expect(second.errors).toEqual([]);

    opened(1).answer('B');
    expect(second.values).toEqual(['B']);
    expect(dials).toHaveLength(2);
  });

  test('leaves the other connections alone', () => {
    const { call, dialled, opened } = pooled({ connections: 2 });
    call('a');
    const other = call('b');
    opened(1);
    dialled(0).fail();
    dialled(1).answer('B');

    expect(other.values).toEqual(['B']);
  });
});

test('a request that times out frees its place', () => {
  const { call, clock, dialled, opened } = pooled({ connections: 1, requestTimeoutMs: 2000 });
  const slow = call('a');
  call('b');
  opened(0);
  clock.advance(2000);
  dialled(0).bytes.close();

  expect(slow.errors).toMatchObject([{ code: 'DEADLINE_EXCEEDED' }]);
  expect(opened(1).requests()).toEqual(['b']);
});

test('a call made from within the opening of a connection does not get one that is taken', () => {
  const { call, dials, opened } = pooled({ connections: 2 }, (what) => {
    if (what === 'connected' && dials.length === 1) call('late');
  });
  call('a');

  expect(opened(0).requests()).toEqual(['a']);
  expect(opened(1).requests()).toEqual(['late']);
});
