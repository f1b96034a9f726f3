import { describe, expect, test } from 'vitest';

import { answerOf, calling } from './caller-fixture.js';

describe('a call', () => {
  test('goes out as a frame of method and params', () => {
    const { send, bytes } = calling();
    send('toupper');

    expect(bytes.take()).toBe('7\r\ntoupper\r\n1\r\np\r\n\r\n');
  });

  test('gets its answer once, and the connection stays open', () => {
    const { send, answer, caller, clock, bytes, told } = calling();
    const { values, errors } = send('toupper');
    expect(caller.calls).toBe(1);

    answer('XIAOXIAO');
    expect(values).toEqual(['XIAOXIAO']);
    expect(errors).toEqual([]);
    expect(caller.calls).toBe(0);
    expect(clock.pending).toBe(0);
    expect(told).toEqual(['answer', 'room']);
    expect(bytes.did).toEqual([]);
  });

  test('gets its answer as the kind that it asks for', () => {
    const { send, answer } = calling();
    const outcomes = (['text', 'json', 'bytes'] as const).map((payload) => send('a', payload));
    answer('[1]', '[1]', '[1]');

    expect(outcomes.map(({ values }) => values)).toEqual([['[1]'], [[1]], [Buffer.from('[1]')]]);
  });

  test('gets an empty answer as the empty value of its kind', () => {
    const { send, answer } = calling();
    const outcomes = (['text', 'json', 'bytes'] as const).map((payload) => send('a', payload));
    answer('', '', '');

    expect(outcomes.map(({ values }) => values)).toEqual([[''], [null], [Buffer.alloc(0)]]);
  });
});

describe('calls behind one another', () => {
  test('get the answers in their order, however these are cut', () => {
    const { send, bytes } = calling();
    const outcomes = ['a', 'b', 'c'].map((method) => send(method));
    for (const byte of answerOf('A') + answerOf('B')) bytes.receive(byte);
    expect(outcomes.map(({ values }) => values)).toEqual([['A'], ['B'], []]);

    bytes.receive(answerOf('C'));
    expect(outcomes.map(({ values }) => values)).toEqual([['A'], ['B'], ['C']]);
  });

  test('may be sent from within an answer', () => {
    const { send, answer, caller } = calling();
    const inner: unknown[][] = [];
    const { call } = send('a');
    caller.send({
      ...call,
      onAnswer: () => {
        inner.push(send('inner').values);
      },
    });
    answer('A', 'B');
    answer('C');

    expect(inner).toEqual([['C']]);
  });
});

describe('an answer that says an error', () => {
  test('fails its call with that error, and the connection stays open', () => {
    const { send, answer, told, bytes } = calling();
    const failing = send('a');
    const other = send('b');
    answer('XTCP Server: UNIMPLEMENTED: no such method', 'B');

    expect(failing.values).toEqual([]);
    expect(failing.errors).toMatchObject([{ name: 'XtcpError', code: 'UNIMPLEMENTED', message: 'no such method' }]);
    expect(other.values).toEqual(['B']);
    expect(told).toEqual(['answer', 'room', 'answer', 'room']);
    expect(bytes.did).toEqual([]);
  });

  test('is an error for every kind of payload', () => {
    const { send, answer } = calling();
    const outcomes = (['text', 'json', 'bytes'] as const).map((payload) => send('a', payload));
    const error = 'XTCP Server: APPLICATION: {"a":1}';
    answer(error, error, error);

    for (const { values, errors } of outcomes) {
      expect(values).toEqual([]);
      expect(errors).toMatchObject([{ code: 'APPLICATION', details: { a: 1 } }]);
    }
  });

  test('may be a traceback of Python', () => {
    const { send, answer } = calling();
    const { errors } = send('a');
    answer('Traceback (most recent call last):\n  File "x.py", line 1\nKeyError: 7\n');

    expect(errors).toMatchObject([
      {
        code: 'INTERNAL',
        message: 'KeyError: 7',
        details: 'Traceback (most recent call last):\n  File "x.py", line 1',
      },
    ]);
  });
});

describe('an answer that its kind cannot read', () => {
  test.each([
    { kind: 'json', result: 'secret', why: 'not JSON' },
    { kind: 'json', result: 'secret\xff', why: 'not UTF-8' },
    { kind: 'text', result: 'secret\xff', why: 'not UTF-8' },
  ] as const)('fails its call alone, and is not quoted: $why as $kind', ({ kind, result, why }) => {
    const { send, answer, bytes } = calling();
    const failing = send('a', kind);
    const other = send('b');
    answer(result, 'B');

    expect(failing.values).toEqual([]);
    expect(failing.errors).toMatchObject([{ code: 'PROTOCOL_ERROR' }]);
    expect(failing.errors[0]?.message).toContain(`cannot be read as ${kind}`);
    expect(failing.errors[0]?.message).toContain(why);
    expect(failing.errors[0]?.message).not.toContain('secret');
    expect(other.values).toEqual(['B']);
    expect(bytes.did).toEqual([]);
  });

  test('but that is bytes is taken as bytes', () => {
    const { send, answer } = calling();
    const { values } = send('a', 'bytes');
    answer('\xff\x00');

    expect(values).toEqual([Buffer.from([0xff, 0])]);
  });
});

describe('what is no answer', () => {
  const INPUTS: readonly { name: string; input: string; code: string; says: string }[] = [
    { name: 'no frame', input: 'HTTP/1.1 200 OK\r\n', code: 'PROTOCOL_ERROR', says: 'at byte 0' },
    { name: 'a frame of two fields', input: '1\r\nA\r\n1\r\nB\r\n\r\n', code: 'PROTOCOL_ERROR', says: 'at byte 6' },
    {
      name: 'an answer over maxFrameBytes',
      input: '1001\r\n',
      code: 'RESOURCE_EXHAUSTED',
      says: 'maxFrameBytes, 1000',
    },
  ];

  test.each(INPUTS)('$name fails the call and closes the connection', ({ input, code, says }) => {
    const { send, bytes, told, clock, caller } = calling();
    const { values, errors } = send('a');
    bytes.receive(input);
    bytes.receive(answerOf('A'));

    expect(values).toEqual([]);
    expect(errors).toMatchObject([{ code }]);
    expect(errors[0]?.message).toContain(says);
    expect(errors[0]?.executed).toBeUndefined();
    expect(told).toEqual([`close ${code}`]);
    expect(bytes.did).toEqual(['destroy']);
    expect(clock.pending).toBe(0);
    expect(caller.calls).toBe(0);
  });

  test.each(INPUTS)('$name fails the calls behind with UNAVAILABLE, and it as the cause', ({ input }) => {
    const { send, bytes, answer } = calling();
    const first = send('a');
    const [second, third] = [send('b'), send('c')];
    answer('A');
    bytes.receive(input);

    expect(first.values).toEqual(['A']);
    expect(third.errors).toMatchObject([{ code: 'UNAVAILABLE', executed: undefined }]);
    expect(third.errors[0]?.cause).toBe(second.errors[0]);
  });

  test('an answer of just maxFrameBytes is taken', () => {
    const { send, answer } = calling({ maxFrameBytes: 5 });
    const { values } = send('a');
    answer('12345');

    expect(values).toEqual(['12345']);
  });

  test('an answer that nobody asked for closes the connection', () => {
    const { send, answer, told, bytes } = calling();
    const { values } = send('a');
    answer('A', 'B');

    expect(values).toEqual(['A']);
    expect(told).toEqual(['answer', 'room', 'close PROTOCOL_ERROR']);
    expect(bytes.did).toEqual(['destroy']);
  });
});
