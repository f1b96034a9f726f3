import { once } from 'node:events';

import { firstValueFrom } from 'rxjs';
import { beforeAll, expect, test } from 'vitest';

import { acceptedBy } from '../nest/support/accepted.js';
import { certificates, type Certificates } from '../support/certificates.js';
import { warnings } from '../support/log.js';
import { RawPeer } from '../support/raw.js';
import { clientOf } from '../support/service.js';
import { dialTls, tlsClient, tlsService } from './support.js';

let certs: Certificates;

beforeAll(async () => {
  certs = await certificates();
});

/** The beginning of a ClientHello. */
const HALF_A_HANDSHAKE = Buffer.from([0x16, 3, 1, 2, 0, 1]);

test.each([
  ['nothing at all', ''],
  ['half a handshake', HALF_A_HANDSHAKE],
  ['a byte that is no TLS', '4'],
])('a client that says %s does not hold close(), which says nothing against it', async (_what, bytes) => {
  // A grace period that no test outlives: close() has to be over without it.
  const { app, server, port } = await tlsService(certs.server, { gracePeriodMs: 60_000 });
  const lines = warnings();
  const accepted = acceptedBy(server);
  const peer = await RawPeer.dial(port);
  if (bytes !== '') peer.send(bytes);
  await accepted.count(1);
  await app.close();
  await peer.takeAll();

  expect(lines.all).toEqual([]);
});

test('a client that says nothing is dropped when the handshake has taken too long', async () => {
  const { port } = await tlsService({ ...certs.server, handshakeTimeout: 20 });
  const lines = warnings();
  const silent = await RawPeer.dial(port);
  expect(await silent.takeAll()).toBe('');
  const half = await RawPeer.dial(port);
  half.send(HALF_A_HANDSHAKE);
  expect(await half.takeAll()).toBe('');

  expect(lines.all).toEqual([
    expect.stringMatching(/^Closing the connection of 127\.0\.0\.1:\d+: the TLS handshake took too long \(ERR_TLS_/),
  ]);
});

test('a client that goes in the middle of the handshake is forgotten at once', async () => {
  const { port, server } = await tlsService(certs.server);
  const accepted = acceptedBy(server);
  const peer = await RawPeer.dial(port);
  peer.send(HALF_A_HANDSHAKE);
  const [socket] = await accepted.count(1);
  const closed = once(socket!, 'close');
  peer.socket.end();
  await closed;
  await peer.takeAll();

  expect(server.unwrap().listening).toBe(true);
});

test('a call that runs when the server closes is still answered, over TLS', async () => {
  const { app, port } = await tlsService(certs.server, { gracePeriodMs: 60_000 });
  const client = tlsClient(port, { ca: certs.ca });
  await client.connect();
  const answers = Promise.all(['a', 'b'].map((name) => firstValueFrom(client.send('toupper', name))));
  const closed = app.close();

  const outcome = await answers.catch((error: unknown) => error);
  // Taken or turned away, but told: the last words arrive.
  expect([JSON.stringify(['A', 'B']), 'UNAVAILABLE']).toContain(
    outcome instanceof Error ? (outcome as Error & { code: string }).code : JSON.stringify(outcome),
  );
  await closed;
});

test('what was said last arrives: a request that is no request is answered, then the connection is closed', async () => {
  const { port } = await tlsService(certs.server);
  const peer = dialTls(port, { ca: certs.ca });
  peer.send('GET / HTTP/1.1\r\n\r\n');

  expect(await peer.takeAll()).toMatch(/XTCP Server: Malformed Client Request: .*at byte 0\r\n\r\n$/);
  peer.socket.end();
  await peer.untilClosed();
});

test('a client that ends its output behind its request is answered, over TLS, too', async () => {
  const { port } = await tlsService(certs.server);
  const peer = dialTls(port, { ca: certs.ca });
  peer.socket.end('7\r\ntoupper\r\n8\r\nxiaoxiao\r\n\r\n');

  expect(await peer.takeAll()).toBe('8\r\nXIAOXIAO\r\n\r\n');
});

test('a client that is closed during its handshake lets go of the connection', async () => {
  const { port } = await tlsService(certs.server);
  const client = clientOf(port, { tlsOptions: { ca: certs.ca }, protocol: 'session' });
  const connecting = client.connect().catch((error: unknown) => error);
  await client.close();

  expect(await connecting).toMatchObject({ code: 'CANCELLED' });
});
