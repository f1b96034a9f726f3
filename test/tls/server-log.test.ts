import type { ConnectionOptions } from 'node:tls';

import { firstValueFrom } from 'rxjs';
import { beforeAll, expect, test } from 'vitest';

import { xtcpFailureOf } from '../nest/support/failures.js';
import { requestBytes, takeAnswer } from '../nest/support/classic.js';
import { acceptedBy } from '../nest/support/accepted.js';
import { certificates, type Certificates } from '../support/certificates.js';
import { warnings } from '../support/log.js';
import { RawPeer } from '../support/raw.js';
import { clientOf, startService } from '../support/service.js';
import { dialTls, TlsController, tlsClient, tlsService } from './support.js';

let certs: Certificates;

beforeAll(async () => {
  certs = await certificates();
});

const CLOSING = 'Closing the connection of 127\\.0\\.0\\.1:\\d+: ';

test.each([
  ['no certificate', undefined, 'there is no client certificate'],
  [
    'a certificate of another authority',
    'stranger',
    'the client certificate is not trusted \\(UNABLE_TO_VERIFY_LEAF_S',
  ],
  ['a certificate that has expired', 'expired', 'the client certificate has expired \\(CERT_HAS_EXPIRED\\)'],
] as const)('says of a client that it has %s', async (_what, identity, reason) => {
  const { port } = await tlsService({ ...certs.server, ca: certs.ca, requestCert: true });
  const lines = warnings();
  const own = identity && certs[identity];
  await xtcpFailureOf(tlsClient(port, { ca: certs.ca, ...own }).connect());

  expect(await lines.count(1)).toEqual([expect.stringMatching(new RegExp(`^${CLOSING}${reason}`))]);
});

test('says of a client that it does not speak TLS', async () => {
  const { port } = await tlsService(certs.server);
  const lines = warnings();
  await xtcpFailureOf(clientOf(port).send('toupper', 'secret'));

  expect(await lines.count(1)).toEqual([
    expect.stringMatching(new RegExp(`^${CLOSING}this port speaks TLS, and the client does not$`)),
  ]);
});

test('says of a client that it speaks TLS where the port does not', async () => {
  const { port } = await startService([TlsController]);
  const lines = warnings();
  await xtcpFailureOf(tlsClient(port, { ca: certs.ca }).connect());

  expect(await lines.count(1)).toEqual([
    expect.stringMatching(new RegExp(`^${CLOSING}the client speaks TLS, and this port does not$`)),
  ]);
});

test.each<[string, ConnectionOptions, string]>([
  [
    'speaks another version of TLS',
    { maxVersion: 'TLSv1.2' },
    'client and server have no version of TLS in common \\(ERR_SSL_UNSUPPORTED_PROTOCOL\\)',
  ],
  [
    'left in the handshake',
    {},
    "the client left during the TLS handshake; it may not trust this server's certificate \\(ECONNRESET\\)",
  ],
])('says of a client that it %s', async (_what, options, reason) => {
  const { port } = await tlsService({ ...certs.server, minVersion: 'TLSv1.3' });
  const lines = warnings();
  await xtcpFailureOf(tlsClient(port, { ca: certs.otherCa, ...options }).connect());

  expect(await lines.count(1)).toEqual([expect.stringMatching(new RegExp(`^${CLOSING}${reason}$`))]);
});

test('says nothing of who only asks whether the port is open', async () => {
  const { port, server } = await tlsService(certs.server);
  const lines = warnings();
  const accepted = acceptedBy(server);
  const peer = await RawPeer.dial(port);
  const [socket] = await accepted.count(1);
  const closed = new Promise((resolve) => socket?.once('close', resolve));
  peer.socket.end();
  await closed;
  // Whatever was to be said of the first is said before the second is answered.
  expect(await firstValueFrom(tlsClient(port, { ca: certs.ca }).send('toupper', 'x'))).toBe('X');

  expect(lines.all).toEqual([]);
});

test('a certificate of a client does not bring what it likes into the log or into errors', async () => {
  const { port } = await tlsService({ ...certs.server, ca: certs.ca, requestCert: true });
  const lines = warnings();
  const evil = await certs.otherAuthority.sign('evil\n\u001b[31mname', { names: ['evil\u0007.example'] });
  await xtcpFailureOf(tlsClient(port, { ca: certs.ca, ...evil }).connect());

  // oxlint-disable-next-line no-control-regex
  expect(await lines.count(1)).toEqual([expect.not.stringMatching(/[\u0000-\u001f]|evil/)]);
});

test('an old client without TLS gets a line that says so, and its connection is closed', async () => {
  const { port } = await tlsService(certs.server);
  const peer = await RawPeer.dial(port);
  peer.send(requestBytes('toupper', 'secret'));

  expect(await takeAnswer(peer)).toBe(
    'XTCP Server: Malformed Client Request: this port speaks TLS, and the client does not',
  );
  expect(await peer.takeAll()).toBe('');
});

test('a client without a certificate gets its line even where it sends much at once', async () => {
  const { port } = await tlsService({ ...certs.server, ca: certs.ca, requestCert: true });
  const peer = dialTls(port, { ca: certs.ca });
  peer.send(requestBytes('toupper', 'x'.repeat(1_000_000)));

  expect(await takeAnswer(peer)).toBe('XTCP Server: UNAUTHENTICATED: there is no client certificate');
  peer.socket.end();
  await peer.untilClosed();
});
