import { expect, test } from 'vitest';

import { resolveClientOptions } from '../../src/options/client-options.js';
import { resolveServerOptions } from '../../src/options/server-options.js';
import { formatEndpoint } from '../../src/options/endpoint.js';

test.each([
  [{ connections: 0 }, 'XtcpClient: the option "connections" is 0, but takes a whole number from 1 to 65535'],
  [{ connections: '5' }, 'XtcpClient: the option "connections" is "5", but takes a whole number from 1 to 65535'],
  [{ connections: null }, 'XtcpClient: the option "connections" is null, but takes a whole number from 1 to 65535'],
  [{ connectOnStart: 'yes' }, 'XtcpClient: the option "connectOnStart" is "yes", but takes true or false'],
  [{ payload: 'xml' }, 'XtcpClient: the option "payload" is "xml", but takes text, json, bytes'],
  [{ host: true }, 'XtcpClient: the option "host" is true, but takes a text'],
  [{ retryShare: 2 }, 'XtcpClient: the option "retryShare" is 2, but takes a number from 0 to 1'],
  [{ auth: 1 }, 'XtcpClient: the option "auth" is 1, but takes a function or a string'],
  [{ auth: '' }, 'XtcpClient: the option "auth" is "", but takes a function or a string'],
  [{ path: '/a', port: 1 }, 'XtcpClient: the options "path" and "port" exclude each other'],
])('%j is answered with what is wrong and what would be right', (options, message) => {
  expect(() => resolveClientOptions(options as object)).toThrow(expect.objectContaining({ message }));
});

test('authenticate is answered with what it takes', () => {
  expect(() => resolveServerOptions({ authenticate: {} } as object)).toThrow(
    'XtcpServer: the option "authenticate" is a object, but takes a function',
  );
});

test('a value that is an object is not shown', () => {
  expect(() => resolveClientOptions({ host: { secret: 1 } } as object)).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('secret') as string }),
  );
});

test.each([
  [{ host: '127.0.0.1', port: 8001 }, '127.0.0.1:8001'],
  [{ host: 'example.org', port: 1 }, 'example.org:1'],
  [{ host: '::1', port: 8001 }, '[::1]:8001'],
  [{ path: '/run/upper.sock' }, 'unix:/run/upper.sock'],
])('the endpoint %j is shown as %s', (endpoint, shown) => {
  expect(formatEndpoint(endpoint)).toBe(shown);
});
