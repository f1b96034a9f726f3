import type { ConnectionOptions, TlsOptions } from 'node:tls';

import { beforeAll, describe, expect, test } from 'vitest';

import { XtcpClient, XtcpServer } from '../../src/index.js';
import { certificates, type Certificates } from '../support/certificates.js';

let certs: Certificates;

beforeAll(async () => {
  certs = await certificates();
});

/** What a key looks like that nobody may see. */
const SECRET = 'MIGHAgEAMBMGByqGSM49AgEGSECRET';
const BROKEN_KEY = `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----\n`;

function refusal(make: () => unknown): Error {
  let refused: unknown;
  try {
    make();
  } catch (error) {
    refused = error;
  }
  expect(refused).toMatchObject({ name: 'XtcpError', code: 'INVALID_ARGUMENT' });
  return refused as Error;
}

const BOTH: readonly [string, () => TlsOptions & ConnectionOptions, string][] = [
  ['no certificate', () => ({ ...certs.server, cert: 'nonsense' }), '"cert": no start line'],
  ['no key', () => ({ ...certs.server, key: BROKEN_KEY }), '"key": '],
  ['the key of another certificate', () => ({ ...certs.server, key: certs.client.key }), 'key values mismatch'],
  ['a certificate without a key', () => ({ cert: certs.server.cert }), '"cert" is without "key"'],
  ['a key without a certificate', () => ({ key: certs.server.key }), '"key" is without "cert"'],
  ['no authority', () => ({ ...certs.server, ca: [certs.ca, 'nonsense'] }), '"ca": no start line'],
  ['a certificate of another type', () => ({ ...certs.server, cert: 5 as unknown as string }), '"cert": '],
  ['no ciphers', () => ({ ...certs.server, ciphers: 'NONSENSE' }), '"ciphers": no cipher match'],
  ['a least version before 1.2', () => ({ ...certs.server, minVersion: 'TLSv1.1' }), '"minVersion" takes TLSv1.2'],
  ['a greatest version before 1.2', () => ({ ...certs.server, maxVersion: 'TLSv1' }), '"maxVersion" takes TLSv1.2'],
  [
    'a greatest version before the least',
    () => ({ ...certs.server, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' }),
    '"maxVersion" is before "minVersion"',
  ],
  ['a version by its old name', () => ({ secureProtocol: 'TLSv1_method' }), '"secureProtocol" is not taken'],
];

describe.each([
  ['XtcpServer', (tlsOptions: TlsOptions) => new XtcpServer({ tlsOptions })],
  ['XtcpClient', (tlsOptions: ConnectionOptions) => new XtcpClient({ tlsOptions })],
])('%s refuses tlsOptions', (owner, make) => {
  test.each(BOTH)('with %s, saying so', (_what, options, reason) => {
    const { message } = refusal(() => make(options()));

    expect(message).toContain(`${owner}: the option "tlsOptions" is wrong: `);
    expect(message).toContain(reason);
  });

  test('without a word of what is secret', () => {
    for (const secret of [BROKEN_KEY, Buffer.from(BROKEN_KEY), { pem: SECRET }, [SECRET]]) {
      const error = refusal(() => make({ cert: certs.server.cert, key: secret as string }));
      expect(JSON.stringify([error.message, error.stack, error.cause])).not.toContain('SECRET');
    }
    const error = refusal(() => make({ ...certs.server, passphrase: { SECRET } as unknown as string }));
    expect(JSON.stringify([error.message, error.cause])).not.toContain('SECRET');
  });
});

test('a server without a certificate is refused', () => {
  expect(refusal(() => new XtcpServer({ tlsOptions: {} })).message).toContain('there is no certificate; set "cert"');
});

test('Node refuses what else is wrong with a server', () => {
  const tlsOptions = { ...certs.server, ALPNProtocols: ['xtcp'], SNICallback: 5 } as unknown as TlsOptions;

  expect(refusal(() => new XtcpServer({ tlsOptions })).message).toContain('SNICallback');
});

test.each(['host', 'port', 'path', 'socket', 'secureContext'])('a client has no "%s" in its tlsOptions', (name) => {
  const tlsOptions = { [name]: 'x' };

  expect(refusal(() => new XtcpClient({ tlsOptions })).message).toContain(`"${name}" is not taken here`);
});

test('what is undefined is left out', () => {
  const tlsOptions = { ...certs.server, ca: undefined, minVersion: undefined, maxVersion: undefined };

  expect(() => new XtcpServer({ tlsOptions })).not.toThrow();
  expect(() => new XtcpClient({ tlsOptions: { ca: undefined } })).not.toThrow();
});
