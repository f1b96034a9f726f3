import { describe, expect, test } from 'vitest';

import { resolveServerOptions } from '../../src/options/server-options.js';
import {
  integer,
  milliseconds,
  NO_FUNCTIONS,
  payloadKind,
  refusals,
  sessionLimits,
  type OptionCase,
} from './option-cases.js';

const CASES: readonly OptionCase[] = [
  payloadKind(),
  integer('maxFrameBytes', 16 * 1024 * 1024, 1, 256 * 1024 * 1024),
  milliseconds('incompleteMessageTimeout', 30_000),
  integer('maxCalls', 100, 1, 1_000_000),
  milliseconds('halfCloseTimeoutMs', 30_000),
  milliseconds('gracePeriodMs', 10_000),
  { name: 'classic', fallback: true, takes: [true, false], refuses: ['true', 1, 0, null, {}] },
  { name: 'inherit', fallback: false, takes: [true, false], refuses: ['true', 1, 0, null, {}] },
  { name: 'reflection', fallback: true, takes: [true, false], refuses: ['true', 1, 0, null, {}] },
  integer('maxServerCalls', 10_000, 1, 10_000_000),
  integer('maxConnections', 20_000, 1, 10_000_000),
  integer('maxConnectionsPerAddress', 1000, 1, 10_000_000),
  milliseconds('handshakeTimeoutMs', 10_000),
  milliseconds('idleTimeoutMs', 600_000),
  ...sessionLimits(),
  { name: 'serializer', fallback: undefined, takes: [{ serialize: String }], refuses: [null, {}, String, 'x'] },
  { name: 'deserializer', fallback: undefined, takes: [{ deserialize: String }], refuses: [null, {}, String, 'x'] },
];
/** Those that change what others are. */
const AUTHENTICATE: readonly OptionCase[] = [
  {
    name: 'authenticate',
    fallback: undefined,
    takes: [() => 'who', async () => 'who'],
    refuses: ['x', ...NO_FUNCTIONS],
  },
];
const authenticate = (): string => 'who';
const REGISTER = { contentType: 'text/plain', metrics: async () => '' };
/** What it takes is told by {@link PROBES_READ}. */
const PROBES: OptionCase = {
  name: 'probes',
  fallback: undefined,
  takes: [],
  refuses: ['', 'true', 1, 0, null, [], () => true],
};
const PROBES_READ = [
  { probes: false, read: undefined },
  { probes: true, read: { metrics: 'default' } },
  { probes: {}, read: { metrics: 'default' } },
  { probes: { metrics: undefined }, read: { metrics: 'default' } },
  { probes: { metrics: true }, read: { metrics: 'default' } },
  { probes: { metrics: false }, read: { metrics: 'none' } },
  { probes: { metrics: REGISTER }, read: { metrics: REGISTER } },
];
const ENDPOINT: readonly OptionCase[] = [
  integer('port', 8001, 0, 65_535),
  { name: 'host', fallback: '127.0.0.1', takes: ['::'], refuses: ['', null, 1, {}] },
  { name: 'path', fallback: undefined, takes: ['/run/upper.sock'], refuses: ['', null, 1, {}] },
];
const TLS: OptionCase = { name: 'tlsOptions', fallback: undefined, takes: [{}], refuses: [null, true, 'pem', 1, []] };

test('no options at all are the defaults, with nothing left open', () => {
  expect(resolveServerOptions({})).toEqual({
    endpoint: { host: '127.0.0.1', port: 8001 },
    ...Object.fromEntries([...CASES, ...AUTHENTICATE, PROBES].map(({ name, fallback }) => [name, fallback])),
  });
});

test('an option that is undefined is left out', () => {
  const names = [...CASES, ...AUTHENTICATE, PROBES, ...ENDPOINT, TLS].map(({ name }) => name);

  expect(resolveServerOptions(Object.fromEntries(names.map((name) => [name, undefined])))).toEqual(
    resolveServerOptions({}),
  );
});

describe('takes', () => {
  test.each(CASES)('$name within its bounds', ({ name, takes }) => {
    for (const value of takes) {
      expect(resolveServerOptions({ [name]: value })).toEqual({ ...resolveServerOptions({}), [name]: value });
    }
  });

  test.each(AUTHENTICATE)('$name, with which it serves no classic clients', ({ name, takes }) => {
    for (const value of takes) {
      for (const classic of [undefined, false]) {
        expect(resolveServerOptions({ [name]: value, classic })).toEqual({
          ...resolveServerOptions({}),
          [name]: value,
          classic: false,
        });
      }
    }
  });

  test.each(PROBES_READ)('probes: $probes', ({ probes, read }) => {
    expect(resolveServerOptions({ probes }).probes).toEqual(read);
  });

  test('probes beside authenticate, with metrics only where they are asked for', () => {
    expect(resolveServerOptions({ authenticate, probes: true }).probes).toEqual({ metrics: 'withheld' });
    expect(resolveServerOptions({ authenticate, probes: {} }).probes).toEqual({ metrics: 'withheld' });
    expect(resolveServerOptions({ authenticate, probes: { metrics: true } }).probes).toEqual({ metrics: 'default' });
    expect(resolveServerOptions({ authenticate, probes: { metrics: false } }).probes).toEqual({ metrics: 'none' });
  });

  test('an endpoint', () => {
    expect(resolveServerOptions({ host: '::', port: 0 }).endpoint).toEqual({ host: '::', port: 0 });
    expect(resolveServerOptions({ port: 65_535 }).endpoint).toEqual({ host: '127.0.0.1', port: 65_535 });
    expect(resolveServerOptions({ path: '/run/upper.sock' }).endpoint).toEqual({ path: '/run/upper.sock' });
  });
});

test('tlsOptions get TLS 1.2 as the least version, and lose what is undefined', () => {
  const given = { ca: 'pem', crl: undefined };
  expect(resolveServerOptions({ tlsOptions: given }).tlsOptions).toEqual({ ca: 'pem', minVersion: 'TLSv1.2' });
  expect(Object.keys(resolveServerOptions({ tlsOptions: given }).tlsOptions ?? {})).not.toContain('crl');
  const stricter = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const;
  expect(resolveServerOptions({ tlsOptions: stricter }).tlsOptions).toEqual(stricter);
  expect(given).toEqual({ ca: 'pem' });
});

describe('refuses', () => {
  test.each(refusals([...CASES, ...AUTHENTICATE, PROBES, ...ENDPOINT, TLS]))('$title', ({ name, options }) => {
    expect(() => resolveServerOptions(options)).toThrow(
      expect.objectContaining({
        name: 'XtcpError',
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining(`XtcpServer: the option "${name}" is `) as string,
      }),
    );
  });

  test.each([{ host: 'localhost' }, { port: 0 }])('path beside %j', (other) => {
    expect(() => resolveServerOptions({ path: '/run/upper.sock', ...other })).toThrow('exclude each other');
  });

  test('authenticate beside classic, which would let everybody in', () => {
    expect(() => resolveServerOptions({ authenticate: () => 'who', classic: true })).toThrow(
      'XtcpServer: the options "authenticate" and "classic" exclude each other',
    );
  });

  test.each(['', 1, null, {}, { metrics: 'text' }, []])('probes with metrics: %j', (metrics) => {
    expect(() => resolveServerOptions({ probes: { metrics } } as object)).toThrow(
      'XtcpServer, the option "probes": the option "metrics" is ',
    );
  });

  test('an option of probes that there is not', () => {
    expect(() => resolveServerOptions({ probes: { metric: true } } as object)).toThrow(
      'XtcpServer, the option "probes": there is no option "metric"; there are metrics',
    );
  });

  test('an option that there is not, naming it and those that there are', () => {
    expect(() => resolveServerOptions({ hots: '::' } as object)).toThrow(/no option "hots".*host, port, path/);
    expect(() => resolveServerOptions({ connections: 1 } as object)).toThrow('no option "connections"');
  });

  test('null in the place of the options', () => {
    expect(() => resolveServerOptions(null as unknown as object)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});
