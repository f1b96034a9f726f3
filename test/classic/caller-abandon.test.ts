import { describe, expect, test } from 'vitest';

import { answerOf, calling } from './caller-fixture.js';

describe('a call that is abandoned', () => {
  test('alone resets the connection, so that the server can stop working on it', () => {
    const { send, bytes, told, caller, clock } = calling();
    const { abandon, values, errors } = send('a');
    abandon();
    bytes.receive(answerOf('A'));
    bytes.close();

    expect(bytes.did).toEqual(['reset']);
    expect(told).toEqual(['close here', 'gone']);
    expect([...values, ...errors]).toEqual([]);
    expect(caller.calls).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test('among others has its answer skipped, and they get theirs', () => {
    const { send, answer, bytes, told, caller } = calling();
    const [first, second, third] = [send('a'), send('b'), send('c')];
    second.abandon();
    expect(told).toEqual(['room']);
    expect([caller.calls, caller.abandoned]).toEqual([2, 1]);

    answer('A', 'B', 'C');
    expect([first.values, second.values, third.values]).toEqual([['A'], [], ['C']]);
    expect(second.errors).toEqual([]);
    expect([caller.calls, caller.abandoned]).toEqual([0, 0]);
    expect(bytes.did).toEqual([]);
  });

  test('as the oldest has its answer skipped, too, even an error', () => {
    const { send, answer } = calling();
    const [first, second] = [send('a'), send('b')];
    first.abandon();
    answer('XTCP Server: INTERNAL: failed', 'B');

    expect([...first.values, ...first.errors]).toEqual([]);
    expect(second.values).toEqual(['B']);
  });

  test('as the last that is waited for resets the connection', () => {
    const { send, answer, bytes } = calling();
    const [first, second] = [send('a'), send('b')];
    first.abandon();
    expect(bytes.did).toEqual([]);

    second.abandon();
    answer('A', 'B');
    expect(bytes.did).toEqual(['reset']);
    expect([...first.values, ...second.values]).toEqual([]);
  });

  test('twice is abandoned once', () => {
    const { send, caller, told } = calling();
    const [first] = [send('a'), send('b')];
    first.abandon();
    first.abandon();

    expect([caller.calls, caller.abandoned]).toEqual([1, 1]);
    expect(told).toEqual(['room']);
  });

  test('when it has its answer already changes nothing', () => {
    const { send, answer, told, bytes } = calling();
    const { abandon } = send('a');
    answer('A');
    abandon();

    expect(told).toEqual(['answer', 'room']);
    expect(bytes.did).toEqual([]);
  });

  test('when the connection is gone already changes nothing', () => {
    const { send, bytes, told } = calling();
    const { abandon } = send('a');
    bytes.close();
    abandon();

    expect(told).toEqual(['close UNAVAILABLE', 'gone']);
    expect(bytes.did).toEqual([]);
  });
});

describe('requestTimeoutMs', () => {
  test('fails the call when it is over, and closes the connection', () => {
    const { send, clock, bytes, told } = calling({ requestTimeoutMs: 2000 });
    const { values, errors } = send('a');
    clock.advance(1999);
    expect(errors).toEqual([]);

    clock.advance(1);
    bytes.receive(answerOf('A'));
    expect(errors).toMatchObject([{ code: 'DEADLINE_EXCEEDED', executed: undefined }]);
    expect(errors[0]?.message).toContain('2000 ms (requestTimeoutMs)');
    expect(values).toEqual([]);
    expect(bytes.did).toEqual(['reset']);
    expect(told).toEqual(['close here']);
  });

  test('runs for each call from its own start; the answer of one that is over is skipped', () => {
    const { send, answer, clock, bytes } = calling({ requestTimeoutMs: 2000 });
    const first = send('a');
    clock.advance(1500);
    const second = send('b');
    clock.advance(500);
    expect(first.errors).toMatchObject([{ code: 'DEADLINE_EXCEEDED' }]);
    expect(bytes.did).toEqual([]);

    answer('A', 'B');
    expect(first.values).toEqual([]);
    expect(second.values).toEqual(['B']);
  });

  test('does not start anew with a part of the answer', () => {
    const { send, clock, bytes } = calling({ requestTimeoutMs: 2000 });
    const { errors } = send('a');
    clock.advance(1500);
    bytes.receive('1\r\n');
    clock.advance(500);

    expect(errors).toMatchObject([{ code: 'DEADLINE_EXCEEDED' }]);
  });

  test('of 0 never passes', () => {
    const { send, answer, clock } = calling({ requestTimeoutMs: 0 });
    const { values } = send('a');
    clock.advance(1e9);
    answer('A');

    expect(values).toEqual(['A']);
  });
});
