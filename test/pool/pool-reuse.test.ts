import { describe, expect, test } from 'vitest';

import { pooled } from './fake-dial.js';

describe('a server that closes behind each answer', () => {
  test('gets each call on a connection of its own, and none fails', () => {
    const { call, dials, opened } = pooled({ connections: 2 });
    const outcomes = ['a', 'b', 'c', 'd', 'e'].map(call);
    for (let index = 0; index < 5; index++) {
      const server = opened(index);
      expect(server.requests()).toHaveLength(1);
      server.answer('done');
      server.close();
    }

    expect(dials).toHaveLength(5);
    for (const { values, errors } of outcomes) expect([values, errors]).toEqual([['done'], []]);
  });

  test('gets no second call on a connection, though its end may come late', () => {
    const { call, clock, opened, dialled } = pooled({ connections: 1 });
    call('a');
    opened(0).answer('A');
    dialled(0).close();
    call('b');
    opened(1).answer('B');
    expect(dialled(1).bytes.did).toContain('end');
    clock.advance(30_000);
    call('c');

    expect(opened(2).requests()).toEqual(['c']);
    expect(dialled(1).requests()).toEqual(['b']);
  });

  test('gets no pipelined calls any more, once it was seen to close', () => {
    const { call, opened, dialled, dials } = pooled({ connections: 1, pipelining: 3 });
    call('a');
    opened(0).answer('A');
    dialled(0).close();
    call('b');
    call('c');

    expect(opened(1).requests()).toEqual(['b']);
    expect(dials).toHaveLength(2);
  });
});

describe('a server of which nothing is known', () => {
  test('gets the second call on another connection', () => {
    const { call, opened, dialled, dials } = pooled({ connections: 1 });
    call('a');
    opened(0).answer('A');
    call('b');

    expect(dials).toHaveLength(2);
    expect(opened(1).requests()).toEqual(['b']);
    expect(dialled(0).bytes.did).toEqual([]);
  });

  test('has one connection kept open, to see whether it leaves that open, and no more', () => {
    const { call, opened, dialled } = pooled({ connections: 3 });
    for (const method of ['a', 'b', 'c']) call(method);
    for (const index of [0, 1, 2]) opened(index);
    for (const index of [0, 1, 2]) dialled(index).answer('');

    expect([0, 1, 2].map((index) => dialled(index).bytes.did.includes('end'))).toEqual([false, true, true]);
  });

  test('gets the second call on the first connection when that has stayed open for a second', () => {
    const { call, clock, opened, dialled, dials } = pooled({ connections: 1 });
    call('a');
    opened(0).answer('A');
    clock.advance(1000);
    const { values } = call('b');
    dialled(0).answer('B');

    expect(values).toEqual(['B']);
    expect(dialled(0).requests()).toEqual(['a', 'b']);
    expect(dials).toHaveLength(1);
  });

  test('has the kept connection used only within the limit, when that may carry calls again', () => {
    const { call, clock, opened, dialled, dials } = pooled({ connections: 1 });
    call('a');
    opened(0).answer('A');
    call('b');
    opened(1);
    clock.advance(1000);
    call('c');
    expect(dialled(0).requests()).toEqual(['a']);

    dialled(1).answer('B');
    expect(dialled(0).requests()).toEqual(['c']);
    expect(dials).toHaveLength(2);
  });

  test('is trusted behind two answers on one connection, and its connections are used again at once', () => {
    const { call, clock, opened, dialled, dials } = pooled({ connections: 2 });
    call('a');
    opened(0).answer('');
    clock.advance(1000);
    call('b');
    dialled(0).answer('');
    for (const method of ['c', 'd', 'e']) {
      call(method);
      dialled(0).answer('');
    }

    expect(dialled(0).requests()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(dials).toHaveLength(1);
  });

  test('that closes the kept connection without another answer costs no call', () => {
    const { call, clock, opened, dialled } = pooled({ connections: 1 });
    const { errors } = call('a');
    opened(0).answer('A');
    clock.advance(999);
    dialled(0).close();
    clock.advance(10_000);
    call('b');

    expect(errors).toEqual([]);
    expect(opened(1).requests()).toEqual(['b']);
  });
});

describe('pipelining', () => {
  test('puts calls on a connection up to its limit, and the rest waits', () => {
    const { call, opened, dialled, dials } = pooled({ connections: 1, pipelining: 3 });
    const outcomes = ['a', 'b', 'c', 'd'].map(call);
    expect(opened(0).requests()).toEqual(['a', 'b', 'c']);

    dialled(0).answer('A');
    expect(dialled(0).requests()).toEqual(['d']);
    dialled(0).answer('B', 'C', 'D');
    expect(outcomes.map(({ values }) => values)).toEqual([['A'], ['B'], ['C'], ['D']]);
    expect(dials).toHaveLength(1);
  });

  test('lets the calls of a connection end, though another showed meanwhile that the server closes', () => {
    const { call, opened, dialled } = pooled({ connections: 2, pipelining: 2 });
    const [first, , behind, lost] = ['a', 'b', 'c', 'd'].map(call);
    opened(0);
    opened(1).answer('B');
    dialled(1).close();
    expect(lost?.errors).toMatchObject([{ code: 'UNAVAILABLE' }]);

    dialled(0).answer('A');
    expect(dialled(0).bytes.did).toEqual([]);
    dialled(0).answer('C');
    expect([first?.values, behind?.values]).toEqual([['A'], ['C']]);
    expect(dialled(0).bytes.did).toContain('end');
  });

  test('spreads calls over connections before it puts two on one', () => {
    const { call, opened } = pooled({ connections: 2, pipelining: 2 });
    for (const method of ['a', 'b', 'c', 'd', 'e']) call(method);

    expect(opened(0).requests()).toEqual(['a', 'c']);
    expect(opened(1).requests()).toEqual(['b', 'd']);
  });

  test('prefers an idle connection to a new one', () => {
    const { call, opened, dialled, dials } = pooled({ connections: 2, pipelining: 2 });
    call('a');
    opened(0).answer('A');
    call('b');

    expect(dials).toHaveLength(1);
    expect(dialled(0).requests()).toEqual(['a', 'b']);
  });

  test('prefers an open connection to one that connects', () => {
    const { call, opened, dialled } = pooled({ connections: 2, pipelining: 2 });
    call('a');
    call('b');
    opened(1);
    call('c');

    expect(dialled(1).requests()).toEqual(['b', 'c']);
  });

  test('puts a call behind one that was abandoned, whose answer is skipped', () => {
    const { call, opened, dialled } = pooled({ connections: 1, pipelining: 2 });
    call('a');
    opened(0);
    const abandoned = call('b');
    abandoned.cancel();
    const { values } = call('c');
    dialled(0).answer('A', 'B', 'C');

    expect(dialled(0).requests()).toEqual(['a', 'b', 'c']);
    expect(abandoned.values).toEqual([]);
    expect(values).toEqual(['C']);
  });

  test('puts no call behind as many abandoned ones as it allows calls', () => {
    const { call, opened, dialled } = pooled({ connections: 1, pipelining: 2 });
    call('a');
    opened(0);
    for (const method of ['b', 'c']) call(method).cancel();
    call('d');
    expect(dialled(0).requests()).toEqual(['a', 'b', 'c']);

    dialled(0).answer('A');
    expect(dialled(0).requests()).toEqual([]);
    expect(opened(1).requests()).toEqual(['d']);
  });
});
