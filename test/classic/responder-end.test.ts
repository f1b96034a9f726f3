import { describe, expect, test } from 'vitest';

import { XtcpError } from '../../src/errors/xtcp-error.js';
import { requestOf, respond } from './responder-fixture.js';

describe('a client that ends its output', () => {
  test('behind its requests is answered, then the connection is closed', () => {
    const { bytes, request, served, answers, bad } = respond();
    request('a', 'b');
    bytes.receiveEnd();
    served('b').answer('B');
    expect(bytes.did).not.toContain('end');

    served('a').answer('A');
    expect(answers()).toEqual(['A', 'B']);
    expect(bytes.did).toContain('end');
    expect(bad).toEqual([]);
  });

  test('and has nothing to wait for has the connection closed at once', () => {
    const { bytes, clock, request, answers } = respond();
    request('now');
    bytes.receiveEnd();

    expect(answers()).toEqual(['done']);
    expect(bytes.did).toContain('end');
    bytes.close();
    expect(clock.pending).toBe(0);
  });

  test('is answered for the requests behind maxCalls, too', () => {
    const { bytes, request, served, answers } = respond({ maxCalls: 1 });
    request('a', 'b');
    bytes.receiveEnd();
    served('a').answer('A');
    expect(bytes.did).not.toContain('end');

    served('b').answer('B');
    expect(answers()).toEqual(['A', 'B']);
    expect(bytes.did).toContain('end');
  });

  test('is let go after halfCloseTimeoutMs, and its requests are cancelled', () => {
    const { bytes, clock, request, served } = respond({ halfCloseTimeoutMs: 2000 });
    request('a');
    bytes.receiveEnd();
    clock.advance(1999);
    expect(bytes.did).not.toContain('destroy');

    clock.advance(1);
    expect(bytes.did).toContain('destroy');
    bytes.close();
    expect(served('a').cancelled).toBe(true);
  });

  test('while all places are taken is let go after halfCloseTimeoutMs, with a complaint', () => {
    const { bytes, clock, request, served, started, bad } = respond({ maxCalls: 2, halfCloseTimeoutMs: 2000 });
    request('a', 'b', 'c');
    bytes.receiveEnd();
    clock.advance(1999);
    expect([bytes.did.includes('destroy'), bad]).toEqual([false, []]);

    clock.advance(1);
    expect(bytes.did.at(-1)).toBe('destroy');
    expect(bad).toMatchObject([{ code: 'DEADLINE_EXCEEDED' }]);
    expect(bad[0]?.message).toContain('2000 ms behind its end (halfCloseTimeoutMs)');
    bytes.close();
    expect([served('a').cancelled, served('b').cancelled, started]).toEqual([true, true, ['a', 'b']]);
    expect(clock.pending).toBe(0);
  });

  test('while all places are taken has the one time, whenever the requests behind get a place', () => {
    const { bytes, clock, request, served, answers, bad } = respond({ maxCalls: 1, halfCloseTimeoutMs: 2000 });
    request('a', 'b');
    bytes.receiveEnd();
    clock.advance(1500);
    served('a').answer('A');
    expect(answers()).toEqual(['A']);
    clock.advance(500);
    expect(bytes.did.at(-1)).toBe('destroy');
    expect(bad).toMatchObject([{ code: 'DEADLINE_EXCEEDED' }]);
  });

  test('while all places are taken, and is answered in time, is not complained of', () => {
    const { bytes, clock, request, served, answers, bad } = respond({ maxCalls: 1 });
    request('a');
    bytes.receiveEnd();
    served('a').answer('A');
    expect([answers(), bytes.did.includes('end')]).toEqual([['A'], true]);
    bytes.close();
    expect([clock.pending, bad]).toEqual([0, []]);
  });

  test('is waited for any time with halfCloseTimeoutMs 0', () => {
    const { bytes, clock, request, served, answers } = respond({ halfCloseTimeoutMs: 0 });
    request('a');
    bytes.receiveEnd();
    clock.advance(1e9);
    served('a').answer('A');

    expect(answers()).toEqual(['A']);
  });

  test('and never takes its answer is let go after halfCloseTimeoutMs, too', () => {
    const { bytes, clock, request, served } = respond({ halfCloseTimeoutMs: 2000 });
    request('a');
    bytes.receiveEnd();
    bytes.keepsUp = false;
    served('a').answer('A');
    clock.advance(2000);

    expect(bytes.did).toContain('destroy');
  });
});

describe('a client that ends its output in the middle of a request', () => {
  test('is told so behind the answers to the requests before', () => {
    const { bytes, request, served, answers, bad } = respond();
    request('a');
    bytes.receive('4\r\nha');
    bytes.receiveEnd();
    expect(answers()).toEqual([]);

    served('a').answer('A');
    expect(answers()).toEqual([
      'A',
      'XTCP Server: Malformed Client Request: the input ended in the middle of a request',
    ]);
    expect(bytes.did).toContain('end');
    expect(bad).toMatchObject([{ code: 'PROTOCOL_ERROR' }]);
  });

  test('is let go after halfCloseTimeoutMs, and its requests are cancelled', () => {
    const { bytes, clock, request, served } = respond({ halfCloseTimeoutMs: 2000 });
    request('a');
    bytes.receive('4\r\nha');
    bytes.receiveEnd();
    clock.advance(2000);

    expect(bytes.did).toContain('destroy');
    bytes.close();
    expect(served('a').cancelled).toBe(true);
  });
});

describe('what is no request', () => {
  const INPUTS: readonly { name: string; input: string; answer: string }[] = [
    {
      name: 'no frame',
      input: 'GET / HTTP/1.1\r\n\r\n',
      answer: 'Malformed Client Request: expected a digit, the length of the first field, at byte 0',
    },
    {
      name: 'a frame of one field',
      input: '5\r\nhello\r\n\r\n',
      answer: 'Malformed Client Request: a request has two fields, method and params, not one',
    },
    {
      name: 'a frame of three fields',
      input: '1\r\na\r\n1\r\nb\r\n1\r\nc\r\n\r\n',
      answer: 'Malformed Client Request: expected the end of the frame, which may have 2 fields, at byte 12',
    },
    {
      name: 'a frame over maxFrameBytes',
      input: '7\r\ntoupper\r\n94\r\n',
      answer:
        'RESOURCE_EXHAUSTED: a frame of 101 bytes or more is over maxFrameBytes, 100, says the length before byte 14',
    },
  ];

  test.each(INPUTS)('$name is answered with what is wrong, then the connection is closed', ({ input, answer }) => {
    const { bytes, answers, bad, started } = respond();
    bytes.receive(input);

    expect(answers()).toEqual([`XTCP Server: ${answer}`]);
    expect(bytes.did).toContain('end');
    expect(bad).toHaveLength(1);
    expect(started).toEqual([]);
  });

  test.each(INPUTS)('$name is answered behind the requests that run', ({ input, answer }) => {
    const { bytes, request, served, answers, bad } = respond();
    request('a', 'b');
    bytes.receive(input);
    served('b').answer('B');
    expect(answers()).toEqual([]);
    expect(bytes.did).not.toContain('end');

    served('a').answer('A');
    expect(answers()).toEqual(['A', 'B', `XTCP Server: ${answer}`]);
    expect(bytes.did).toContain('end');
    expect(bad).toHaveLength(1);
  });

  test.each(INPUTS)('$name is followed by nothing that is served', ({ input }) => {
    const { bytes, request, served, started, answers, bad } = respond();
    request('a');
    bytes.receive(input + requestOf('b'));
    bytes.receive(requestOf('c') + 'x');
    served('a').answer(new XtcpError('INTERNAL', 'failed'));
    bytes.receive(requestOf('d'));

    expect(started).toEqual(['a']);
    expect(answers()).toHaveLength(2);
    expect(bad).toHaveLength(1);
  });

  test('a request that stalls is answered so, behind those that run, then the connection is closed', () => {
    const { bytes, clock, request, served, answers } = respond({ incompleteMessageTimeout: 500 });
    request('a');
    bytes.receive('4\r\nha');
    clock.advance(500);
    expect(answers()).toEqual([]);

    served('a').answer('A');
    expect(answers()).toEqual([
      'A',
      'XTCP Server: DEADLINE_EXCEEDED: nothing came for 500 ms (incompleteMessageTimeout) in the middle of a frame',
    ]);
    expect(bytes.did).toContain('end');
  });

  test('is refused once the requests before it have a place', () => {
    const { bytes, served, answers, bad } = respond({ maxCalls: 1 });
    bytes.receive(requestOf('a') + 'x');
    expect(bad).toEqual([]);

    served('a').answer('A');
    expect(bad).toHaveLength(1);
    expect(answers()).toHaveLength(2);
  });

  test('leaves a second for its answer to be taken, then the connection is destroyed', () => {
    const { bytes, clock } = respond();
    bytes.receive('x');
    clock.advance(999);
    expect(bytes.did).not.toContain('destroy');

    clock.advance(1);
    expect(bytes.did).toContain('destroy');
  });
});
