import type { TLSSocket } from 'node:tls';

import { firstValueFrom } from 'rxjs';
import { beforeAll, describe, expect, test } from 'vitest';

import type { XtcpClient } from '../../src/index.js';
import { xtcpFailureOf } from '../nest/support/failures.js';
import { certificates, type Certificates } from '../support/certificates.js';
import { clientOf, startService } from '../support/service.js';
import { openGate, TlsController, tlsClient, tlsService } from './support.js';

let certs: Certificates;

beforeAll(async () => {
  certs = await certificates();
});

/** Whom a client's one connection leads to. */
async function serverOf(client: XtcpClient): Promise<string> {
  await client.connect();
  const [socket] = client.unwrap<TLSSocket[]>();
  return String(socket?.getPeerCertificate().subject.CN);
}

describe('a server', () => {
  test('shows a new certificate to new connections, while a stream on an old one goes on', async () => {
    const { port, server } = await tlsService(certs.server);
    const old = tlsClient(port, { ca: certs.ca });
    const items = old.stream<number>('two', 'server')[Symbol.asyncIterator]();
    expect(await items.next()).toEqual({ done: false, value: 1 });
    server.replaceTlsOptions(certs.newServer);
    expect(await serverOf(tlsClient(port, { ca: certs.ca }))).toBe('new server');

    openGate('server');
    expect(await items.next()).toEqual({ done: false, value: 2 });
    expect(await items.next()).toMatchObject({ done: true });
    expect(await serverOf(old)).toBe('server');
  });

  test('goes on asking for client certificates, and trusts whom it is told to trust from then on', async () => {
    const { port, server } = await tlsService({ ...certs.server, ca: certs.ca, requestCert: true });
    const old = tlsClient(port, { ca: certs.ca, ...certs.client });
    expect(await firstValueFrom(old.send('who', ''))).toBe('client');
    server.replaceTlsOptions(certs.newServer);
    expect((await xtcpFailureOf(tlsClient(port, { ca: certs.ca }).connect())).code).toBe('UNAUTHENTICATED');

    server.replaceTlsOptions({ ca: certs.otherCa });
    const stranger = tlsClient(port, { ca: certs.ca, ...certs.stranger });
    expect(await firstValueFrom(stranger.send('who', ''))).toBe('stranger');
    expect(await serverOf(stranger)).toBe('new server');
    expect((await xtcpFailureOf(tlsClient(port, { ca: certs.ca, ...certs.client }).connect())).code).toBe(
      'UNAUTHENTICATED',
    );
    expect(await firstValueFrom(old.send('who', ''))).toBe('client');
  });

  test('keeps its least version where it is not told another', async () => {
    const { port, server } = await tlsService({ ...certs.server, minVersion: 'TLSv1.3' });
    server.replaceTlsOptions(certs.newServer);
    const old = tlsClient(port, { ca: certs.ca, maxVersion: 'TLSv1.2' });
    expect((await xtcpFailureOf(old.connect())).code).toBe('PROTOCOL_ERROR');

    server.replaceTlsOptions({ minVersion: 'TLSv1.2' });
    expect(await serverOf(old)).toBe('new server');
  });

  test('takes the same options again, but for those of new certificates', async () => {
    const options = { ...certs.server, ca: certs.ca, requestCert: true };
    const { port, server } = await tlsService(options);
    server.replaceTlsOptions({ ...options, ...certs.newServer });

    expect(await serverOf(tlsClient(port, { ca: certs.ca, ...certs.client }))).toBe('new server');
  });

  test.each([
    ['a certificate that is none', () => ({ cert: 'nonsense', key: certs.newServer.key }), '"cert": no start line'],
    ['a certificate without its key', () => ({ cert: certs.newServer.cert }), '"cert" is without "key"'],
    ['the key of another', () => ({ cert: certs.newServer.cert, key: certs.server.key }), 'key values mismatch'],
    ['a version that is too old', () => ({ minVersion: 'TLSv1.1' as const }), '"minVersion" takes TLSv1.2, TLSv1.3'],
    ['what only a new server can have', () => ({ requestCert: true }), '"requestCert" cannot be replaced'],
    ['nothing that could be options', () => null as unknown as object, 'they are no object'],
  ])('refuses %s, and stays as it is', async (_what, options, reason) => {
    const { port, server } = await tlsService(certs.server);

    expect(() => {
      server.replaceTlsOptions(options());
    }).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(reason) as string }),
    );
    expect(await serverOf(tlsClient(port, { ca: certs.ca }))).toBe('server');
  });

  test('without TLS has nothing to replace', async () => {
    const { server } = await startService([TlsController]);

    expect(() => {
      server.replaceTlsOptions(certs.server);
    }).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

describe('a client', () => {
  test('shows a new certificate on its next connection, while a stream on an old one goes on', async () => {
    const { port } = await tlsService({ ...certs.server, ca: certs.ca, requestCert: true });
    const client = tlsClient(port, { ca: certs.ca, ...certs.client });
    const items = client.stream<number>('two', 'client')[Symbol.asyncIterator]();
    expect(await items.next()).toEqual({ done: false, value: 1 });
    client.replaceTlsOptions(certs.newClient);
    expect(await firstValueFrom(client.send('who', ''))).toBe('client');

    openGate('client');
    expect(await items.next()).toEqual({ done: false, value: 2 });
    expect(await items.next()).toMatchObject({ done: true });

    await client.close();
    expect(await firstValueFrom(client.send('who', ''))).toBe('new client');
  });

  test('uses it on the next classic connection', async () => {
    const { port } = await tlsService({ ...certs.server, ca: certs.ca, requestCert: true });
    const client = tlsClient(port, { ca: certs.ca, ...certs.client }, { protocol: 'classic' });
    expect(await firstValueFrom(client.send('who', ''))).toBe('client');
    client.replaceTlsOptions(certs.newClient);

    await client.close();
    expect(await firstValueFrom(client.send('who', ''))).toBe('new client');
  });

  test('trusts whom it is told to trust from then on', async () => {
    const { port } = await tlsService(certs.server);
    const client = tlsClient(port, { ca: certs.otherCa });
    expect((await xtcpFailureOf(client.connect())).code).toBe('UNAUTHENTICATED');

    client.replaceTlsOptions({ ca: certs.ca });
    expect(await serverOf(client)).toBe('server');
  });

  test('refuses what is wrong, and stays as it is', async () => {
    const { port } = await tlsService({ ...certs.server, ca: certs.ca, requestCert: true });
    const client = tlsClient(port, { ca: certs.ca, ...certs.client });
    for (const wrong of [{ cert: 'x', key: certs.client.key }, { ca: 'x' }, { maxVersion: 'TLSv1.1' as const }]) {
      expect(() => {
        client.replaceTlsOptions(wrong);
      }).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    }

    expect(await firstValueFrom(client.send('who', ''))).toBe('client');
  });

  test('without TLS has nothing to replace', () => {
    expect(() => {
      clientOf(1).replaceTlsOptions({});
    }).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});
