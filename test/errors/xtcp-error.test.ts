import { describe, expect, test } from 'vitest';

import { XTCP_ERROR_CODES, XtcpError } from '../../src/errors/xtcp-error.js';

test('the codes are those of the protocol', () => {
  expect(XTCP_ERROR_CODES.toSorted()).toEqual([
    'APPLICATION',
    'CANCELLED',
    'DEADLINE_EXCEEDED',
    'INTERNAL',
    'INVALID_ARGUMENT',
    'PERMISSION_DENIED',
    'PROTOCOL_ERROR',
    'RESOURCE_EXHAUSTED',
    'UNAUTHENTICATED',
    'UNAVAILABLE',
    'UNIMPLEMENTED',
  ]);
});

describe('an error', () => {
  test('is an Error that has its code, its message and its stack', () => {
    const error = new XtcpError('UNAVAILABLE', 'nothing listens there');

    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'XtcpError', code: 'UNAVAILABLE', message: 'nothing listens there' });
    expect(error.stack).toContain('nothing listens there');
  });

  test('keeps its cause', () => {
    const cause = new Error('read ECONNRESET');

    expect(new XtcpError('UNAVAILABLE', 'lost', { cause }).cause).toBe(cause);
    expect('cause' in new XtcpError('UNAVAILABLE', 'lost')).toBe(false);
  });

  test('says of what it does not know nothing', () => {
    const { executed, endpoint, pattern, details } = new XtcpError('INTERNAL', 'failed');

    expect([executed, endpoint, pattern, details]).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe('an error told of its call', () => {
  const cause = new Error('read ECONNRESET');
  const error = new XtcpError('UNAVAILABLE', 'lost', { executed: false, details: { a: 1 }, cause });
  const told = error.ofCall('toupper', '127.0.0.1:8001');

  test('names the pattern and the endpoint, in its message and by themselves', () => {
    expect(told.message).toBe('lost (calling "toupper" at 127.0.0.1:8001)');
    expect(told).toMatchObject({ pattern: 'toupper', endpoint: '127.0.0.1:8001' });
  });

  test('keeps all that it said before', () => {
    expect(told).toBeInstanceOf(XtcpError);
    expect(told).toMatchObject({ code: 'UNAVAILABLE', executed: false, details: { a: 1 } });
    expect(told.cause).toBe(cause);
  });

  test('leaves the error that it was made of as it is', () => {
    expect(error).toMatchObject({ message: 'lost', pattern: undefined, endpoint: undefined });
  });

  test('may be told of an endpoint alone', () => {
    const atEndpoint = error.at('unix:/run/upper.sock');

    expect(atEndpoint.message).toBe('lost (at unix:/run/upper.sock)');
    expect(atEndpoint).toMatchObject({ code: 'UNAVAILABLE', endpoint: 'unix:/run/upper.sock', pattern: undefined });
    expect(atEndpoint.cause).toBe(cause);
  });
});

describe('a pattern in a message', () => {
  const error = new XtcpError('UNAVAILABLE', 'lost');

  test('is quoted', () => {
    expect(error.ofCall('{"cmd":"sum"}', 'here').message).toBe(String.raw`lost (calling "{\"cmd\":\"sum\"}" at here)`);
  });

  test('has its line breaks and control characters escaped', () => {
    expect(error.ofCall('a\r\nb\u0000\u001B[31m', 'here').message).toBe(
      String.raw`lost (calling "a\r\nb\u0000\u001b[31m" at here)`,
    );
  });

  test('has the control characters beyond ASCII escaped, too', () => {
    for (let code = 0x7f; code <= 0x9f; code++) {
      const character = String.fromCodePoint(code);
      expect(error.ofCall(character, 'here').message).not.toContain(character);
    }
  });

  test('is well-formed, even where it is cut within a character or was not', () => {
    for (const pattern of [`${'x'.repeat(99)}👋`, 'a\uD800']) {
      expect(error.ofCall(pattern, 'here').message.isWellFormed()).toBe(true);
    }
  });

  test('stands whole up to 100 characters, and is cut behind them', () => {
    const longest = 'x'.repeat(100);
    expect(error.ofCall(longest, 'here').message).toBe(`lost (calling "${longest}" at here)`);

    const told = error.ofCall(`${longest}yz`, 'here');
    expect(told.message).toBe(`lost (calling "${longest}…" at here)`);
    expect(told.pattern).toBe(`${longest}yz`);
  });
});
