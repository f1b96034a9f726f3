import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer, type ConnectionOptions, type TlsOptions } from 'node:tls';

import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { xtcpFailureOf } from '../nest/support/failures.js';
import { certificates, type Certificates } from '../support/certificates.js';
import { rawServer } from '../support/raw.js';
import { clientOf, startService } from '../support/service.js';
import { PROTOCOLS, TlsController, tlsClient, tlsService } from './support.js';

let certs: Certificates;

beforeAll(async () => {
  certs = await certificates();
});

/** A TLS server that is not ours, and closes a client that it does not want in Node's own way. */
async function foreignServer(options: TlsOptions): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer(options, (socket) => {
    socket.on('error', () => {});
    socket.resume();
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

describe.each(PROTOCOLS)('a call (%s)', (protocol) => {
  const fails = async (port: number, tlsOptions: ConnectionOptions | undefined) => {
    const client = clientOf(port, { protocol, tlsOptions });
    const error = await xtcpFailureOf(client.send('toupper', 'secret'));
    expect(error.executed).toBe(false);
    expect(error.message).not.toContain('secret');
    return error;
  };

  describe.each(['TLSv1.2', 'TLSv1.3'] as const)('over %s', (maxVersion) => {
    test.each([
      ['of another authority', 'stranger', 'is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE)'],
      ['for another name', 'elsewhere', 'is made out to another name than the one that was called'],
      ['that has expired', 'expired', 'has expired (CERT_HAS_EXPIRED)'],
      ['that is not valid yet', 'notYetValid', 'is not valid yet (CERT_NOT_YET_VALID)'],
    ] as const)('to a server with a certificate %s is UNAUTHENTICATED, and says so', async (_what, name, fault) => {
      const { port } = await tlsService({ ...certs[name], maxVersion });
      const error = await fails(port, { ca: certs.ca });

      expect(error).toMatchObject({ code: 'UNAUTHENTICATED' });
      expect(error.message).toContain(`the server's certificate ${fault}`);
      expect(error.cause).toBeInstanceOf(Error);
    });

    test('without the certificate that the server wants is UNAUTHENTICATED, and says so', async () => {
      const { port } = await tlsService({ ...certs.server, maxVersion, ca: certs.ca, requestCert: true });

      expect(await fails(port, { ca: certs.ca })).toMatchObject({
        code: 'UNAUTHENTICATED',
        message: expect.stringContaining('the server wants a client certificate; set cert and key') as string,
      });
    });

    test.each([
      ['of an authority that the server does not trust', 'stranger', 'is not trusted (UNABLE_TO_VERIFY'],
      ['that has expired', 'expired', 'has expired (CERT_HAS_EXPIRED)'],
      ['that is not valid yet', 'notYetValid', 'is not valid yet (CERT_NOT_YET_VALID)'],
    ] as const)('with a certificate %s is UNAUTHENTICATED, and says so', async (_what, name, fault) => {
      const { port } = await tlsService({ ...certs.server, maxVersion, ca: certs.ca, requestCert: true });

      expect(await fails(port, { ca: certs.ca, ...certs[name] })).toMatchObject({
        code: 'UNAUTHENTICATED',
        message: expect.stringContaining(`the server finds that this client's certificate ${fault}`) as string,
      });
    });
  });

  test('without TLS to a port that speaks it is a PROTOCOL_ERROR that says so', async () => {
    const { port } = await tlsService(certs.server);

    expect(await fails(port, undefined)).toMatchObject({
      code: 'PROTOCOL_ERROR',
      message: expect.stringContaining('the server speaks TLS; set tlsOptions') as string,
    });
  });

  test('without TLS to a server that answers with a TLS alert is the same', async () => {
    const { port } = await rawServer((peer) => {
      peer.socket.once('data', () => peer.socket.end(Buffer.from([0x15, 3, 1, 0, 2, 2, 0x46])));
    });

    expect(await fails(port, undefined)).toMatchObject({
      code: 'PROTOCOL_ERROR',
      message: expect.stringContaining('the server speaks TLS; set tlsOptions') as string,
    });
  });

  test('with TLS to a port that does not speak it is a PROTOCOL_ERROR that says so', async () => {
    const { port } = await startService([TlsController]);

    expect(await fails(port, { ca: certs.ca })).toMatchObject({
      code: 'PROTOCOL_ERROR',
      message: expect.stringContaining('the server does not speak TLS; leave out tlsOptions') as string,
    });
  });

  test('with TLS to a server that closes at once is UNAVAILABLE, and says what it may be', async () => {
    const { port } = await rawServer((peer) => {
      peer.socket.once('data', () => peer.socket.end());
    });

    expect(await fails(port, { ca: certs.ca })).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('closed the connection during the TLS handshake; it may not speak') as string,
    });
  });

  test('without a version of TLS in common is a PROTOCOL_ERROR that says so', async () => {
    const { port } = await tlsService({ ...certs.server, minVersion: 'TLSv1.3' });

    expect(await fails(port, { ca: certs.ca, maxVersion: 'TLSv1.2' })).toMatchObject({
      code: 'PROTOCOL_ERROR',
      message: expect.stringContaining('no version of TLS in common') as string,
    });
  });

  test('without the certificate that a server of another kind wants is UNAUTHENTICATED, though told late', async () => {
    const port = await foreignServer({ ...certs.server, ca: certs.ca, requestCert: true });

    expect(await fails(port, { ca: certs.ca })).toMatchObject({
      code: 'UNAUTHENTICATED',
      message: expect.stringContaining('the server wants a client certificate; set cert and key') as string,
      cause: expect.objectContaining({ code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' }) as Error,
    });
  });

  test('whose handshake does not end is given up after connectTimeoutMs', async () => {
    const { port } = await rawServer(() => {});
    const client = clientOf(port, { protocol, tlsOptions: { ca: certs.ca }, connectTimeoutMs: 50 });

    expect(await xtcpFailureOf(client.send('toupper', ''))).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('the TLS handshake was not over within 50 ms (connectTimeoutMs)') as string,
      executed: false,
    });
  });
});

test('connect() fails with the same errors', async () => {
  const { port } = await tlsService({ ...certs.server, ca: certs.ca, requestCert: true });

  await expect(tlsClient(port, { ca: certs.otherCa }).connect()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  await expect(tlsClient(port, { ca: certs.ca }).connect()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  await expect(clientOf(port, { protocol: 'session' }).connect()).rejects.toMatchObject({ code: 'PROTOCOL_ERROR' });
});

test('a TLS session that is resumed without a certificate does not get in', async () => {
  const { port } = await tlsService({ ...certs.server, ca: certs.ca, requestCert: true });
  const peer = connect({ port, host: '127.0.0.1', ca: certs.ca });
  onTestFinished(() => {
    peer.destroy();
  });
  const [session] = (await once(peer, 'session')) as [Buffer];

  const again = tlsClient(port, { ca: certs.ca, session });
  expect((await xtcpFailureOf(again.send('toupper', 'x'))).code).toBe('UNAUTHENTICATED');
});
