import { expect, test } from 'vitest';

import { fromSocketError } from '../../src/errors/from-node.js';
import { XtcpError } from '../../src/errors/xtcp-error.js';

function socketError(code: string): Error {
  return Object.assign(new Error(`connect ${code} 127.0.0.1:8001`), { code });
}

test.each([
  ['ECONNREFUSED', 'nothing listens there'],
  ['ECONNRESET', 'the other side reset the connection'],
  ['EPIPE', 'the other side had closed the connection'],
  ['ENOENT', 'there is no such socket file'],
  ['ENOTFOUND', 'that host name is not known'],
  ['EMFILE', 'this process has too many open files'],
])('%s is UNAVAILABLE and says what that means', (code, meaning) => {
  const cause = socketError(code);
  const error = fromSocketError(cause);

  expect(error).toBeInstanceOf(XtcpError);
  expect(error).toMatchObject({ code: 'UNAVAILABLE', message: `${meaning} (${code})` });
  expect(error.cause).toBe(cause);
});

test('a code that is not known is named', () => {
  expect(fromSocketError(socketError('EWEIRD')).message).toBe('the connection failed (EWEIRD)');
});

test('an error without a code that is a text is UNAVAILABLE all the same', () => {
  const cause = new Error('something');

  expect(fromSocketError(cause)).toMatchObject({ code: 'UNAVAILABLE', message: 'the connection failed', cause });
  expect(fromSocketError(Object.assign(new Error('something'), { code: 7 })).message).toBe('the connection failed');
});

test('what else is known is kept, and nothing is promised that is not', () => {
  const cause = socketError('ECONNREFUSED');

  expect(fromSocketError(cause, { executed: false, endpoint: 'here', pattern: 'a' })).toMatchObject({
    executed: false,
    endpoint: 'here',
    pattern: 'a',
    cause,
  });
  expect(fromSocketError(cause).executed).toBeUndefined();
});
