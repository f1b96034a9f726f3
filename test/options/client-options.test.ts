import { describe, expect, test } from 'vitest';

import { resolveClientOptions } from '../../src/options/client-options.js';
import {
  integer,
  milliseconds,
  NO_FUNCTIONS,
  number,
  payloadKind,
  refusals,
  sessionLimits,
  type OptionCase,
} from './option-cases.js';

const CASES: readonly OptionCase[] = [
  payloadKind(),
  integer('connections', 10, 1, 65_535),
  integer('pipelining', 1, 1, 65_535),
  milliseconds('connectTimeoutMs', 2000),
  milliseconds('queueTimeoutMs', 5000),
  milliseconds('requestTimeoutMs', 30_000),
  integer('maxFrameBytes', 16 * 1024 * 1024, 1, 256 * 1024 * 1024),
  milliseconds('timeoutMs', 0),
  milliseconds('gracePeriodMs', 5000),
  { name: 'protocol', fallback: 'auto', takes: ['auto', 'session', 'classic'], refuses: ['', 'tcp', null, 1] },
  { name: 'codec', fallback: 'json', takes: ['json', 'msgpack'], refuses: ['', 'j', null, 1] },
  { name: 'ack', fallback: 'received', takes: ['none', 'received', 'handled'], refuses: ['', true, null, 1] },
  integer('reconnectDelayMs', 100, 1, 2_147_483_647),
  integer('maxReconnectDelayMs', 5000, 1, 2_147_483_647),
  integer('maxQueue', 10_000, 1, 10_000_000),
  integer('retries', 4, 0, 100),
  number('retryShare', 0.2, 0, 1),
  ...sessionLimits(),
  { name: 'serializer', fallback: undefined, takes: [{ serialize: String }], refuses: [null, {}, String, 'x'] },
  { name: 'deserializer', fallback: undefined, takes: [{ deserialize: String }], refuses: [null, {}, String, 'x'] },
  { name: 'connectOnStart', fallback: false, takes: [true, false], refuses: ['true', 1, 0, null, {}] },
];
/** Those that change what others are. */
const AUTH: readonly OptionCase[] = [
  { name: 'auth', fallback: undefined, takes: ['token', () => 'token', async () => 'token'], refuses: NO_FUNCTIONS },
];
const ENDPOINT: readonly OptionCase[] = [
  integer('port', 8001, 1, 65_535),
  { name: 'host', fallback: '127.0.0.1', takes: ['::1', 'example.org'], refuses: ['', null, 1, {}, ['::1']] },
  { name: 'path', fallback: undefined, takes: ['/run/upper.sock'], refuses: ['', null, 1, {}] },
];
const TLS: OptionCase = { name: 'tlsOptions', fallback: undefined, takes: [{}], refuses: [null, true, 'pem', 1, []] };

test('no options at all are the defaults, with nothing left open', () => {
  expect(resolveClientOptions({})).toEqual({
    endpoint: { host: '127.0.0.1', port: 8001 },
    ...Object.fromEntries([...CASES, ...AUTH].map(({ name, fallback }) => [name, fallback])),
  });
});

test('an option that is undefined is left out', () => {
  const names = [...CASES, ...AUTH, ...ENDPOINT, TLS].map(({ name }) => name);

  expect(resolveClientOptions(Object.fromEntries(names.map((name) => [name, undefined])))).toEqual(
    resolveClientOptions({}),
  );
});

describe('takes', () => {
  test.each(CASES)('$name within its bounds', ({ name, takes }) => {
    for (const value of takes) {
      expect(resolveClientOptions({ [name]: value })).toEqual({ ...resolveClientOptions({}), [name]: value });
    }
  });

  test.each(AUTH)('$name, with which it speaks nothing but sessions', ({ name, takes }) => {
    for (const value of takes) {
      for (const protocol of [undefined, 'auto', 'session'] as const) {
        expect(resolveClientOptions({ [name]: value, protocol })).toEqual({
          ...resolveClientOptions({}),
          [name]: value,
          protocol: 'session',
        });
      }
    }
  });

  test('host and port as an endpoint, each with the default of the other', () => {
    expect(resolveClientOptions({ host: '::1', port: 1 }).endpoint).toEqual({ host: '::1', port: 1 });
    expect(resolveClientOptions({ host: '::1' }).endpoint).toEqual({ host: '::1', port: 8001 });
    expect(resolveClientOptions({ port: 65_535 }).endpoint).toEqual({ host: '127.0.0.1', port: 65_535 });
  });

  test('path as an endpoint, without host and port', () => {
    expect(resolveClientOptions({ path: '/run/upper.sock' }).endpoint).toEqual({ path: '/run/upper.sock' });
  });
});

test('tlsOptions get TLS 1.2 as the least version, and lose what is undefined', () => {
  const given = { ca: 'pem', crl: undefined };
  expect(resolveClientOptions({ tlsOptions: given }).tlsOptions).toEqual({ ca: 'pem', minVersion: 'TLSv1.2' });
  expect(Object.keys(resolveClientOptions({ tlsOptions: given }).tlsOptions ?? {})).not.toContain('crl');
  const stricter = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const;
  expect(resolveClientOptions({ tlsOptions: stricter }).tlsOptions).toEqual(stricter);
  expect(given).toEqual({ ca: 'pem' });
});

describe('refuses', () => {
  test.each(refusals([...CASES, ...AUTH, ...ENDPOINT, TLS]))('$title', ({ name, options }) => {
    expect(() => resolveClientOptions(options)).toThrow(
      expect.objectContaining({
        name: 'XtcpError',
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining(`XtcpClient: the option "${name}" is `) as string,
      }),
    );
  });

  test.each([{ host: 'localhost' }, { port: 8001 }, { host: 'localhost', port: 8001 }])('path beside %j', (other) => {
    expect(() => resolveClientOptions({ path: '/run/upper.sock', ...other })).toThrow('exclude each other');
  });

  test.each(['token', () => 'token'])('a token beside protocol "classic", which has no place for it', (auth) => {
    expect(() => resolveClientOptions({ auth, protocol: 'classic' })).toThrow(
      'XtcpClient: the options "auth" and "protocol" exclude each other',
    );
  });

  test('an option that there is not, naming it and those that there are', () => {
    expect(() => resolveClientOptions({ timeout: 1 } as object)).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/no option "timeout".*requestTimeoutMs/) as string,
      }),
    );
  });

  test('an option of the server', () => {
    expect(() => resolveClientOptions({ maxCalls: 1 } as object)).toThrow('no option "maxCalls"');
  });

  test.each([null, 'port', 8001])('%j in the place of the options', (options) => {
    expect(() => resolveClientOptions(options as unknown as object)).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('not an object') as string,
      }),
    );
  });
});
