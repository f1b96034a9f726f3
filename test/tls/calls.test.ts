import { setImmediate } from 'node:timers/promises';
import type { SecureVersion, TLSSocket } from 'node:tls';

import { firstValueFrom } from 'rxjs';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { collect } from '../nest-sessions/support/client.js';
import { socketPath } from '../nest/support/addresses.js';
import { certificates, type Certificates } from '../support/certificates.js';
import { clientOf, startService } from '../support/service.js';
import { happened, openGate, PROTOCOLS, TlsController, tlsClient, tlsService } from './support.js';

let certs: Certificates;

beforeAll(async () => {
  certs = await certificates();
});

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const satisfies readonly SecureVersion[];

describe.each(VERSIONS)('over %s', (version) => {
  const only = { minVersion: version, maxVersion: version };

  test.each(PROTOCOLS)('calls are answered (%s)', async (protocol) => {
    const { port } = await tlsService({ ...certs.server, ...only });
    const client = tlsClient(port, { ca: certs.ca }, { protocol });

    expect(await firstValueFrom(client.send('toupper', 'xiaoxiao'))).toBe('XIAOXIAO');
    expect(await firstValueFrom(client.send('toupper', 'again'))).toBe('AGAIN');
    const [socket] = client.unwrap<TLSSocket[]>();
    expect(socket?.getProtocol()).toBe(version);
    expect(socket?.authorized).toBe(true);
  });

  test('streams are read', async () => {
    const { port } = await tlsService({ ...certs.server, ...only });
    const client = tlsClient(port, { ca: certs.ca });
    const items: number[] = [];
    for await (const item of client.stream<number>('two', version)) {
      items.push(item);
      openGate(version);
    }

    expect(items).toEqual([1, 2]);
  });

  test.each(PROTOCOLS)('the certificate of a client is in the context (%s)', async (protocol) => {
    const { port } = await tlsService({ ...certs.server, ...only, ca: certs.ca, requestCert: true });
    const client = tlsClient(port, { ca: certs.ca, ...certs.client }, { protocol });

    expect(await firstValueFrom(client.send('who', ''))).toBe('client');
  });

  test('a call over classic that nobody waits for any more ends its handler', async () => {
    const { port } = await tlsService({ ...certs.server, ...only });
    const name = `classic over ${version}`;
    const call = tlsClient(port, { ca: certs.ca }, { protocol: 'classic' }).send('wait', name).subscribe();
    await happened.begun.including(name);
    // The server is still within the read that brought the request; TLS has its own to send behind that.
    await setImmediate();
    call.unsubscribe();

    expect(await happened.gone.including(name)).toContain(name);
  });

  test('large answers arrive whole, behind the end of what the client sends', async () => {
    const { port } = await tlsService({ ...certs.server, ...only });
    const client = tlsClient(port, { ca: certs.ca });
    const answer = firstValueFrom(client.send<string>('toupper', 'x'.repeat(3_000_000)));
    // The client goes away in order: it ends its side, and still takes what is on its way.
    await client.connect();
    await client.close();

    expect(await answer).toBe('X'.repeat(3_000_000));
  });
});

test('no client is asked for a certificate unless tlsOptions do, and none is in the context of a plain connection', async () => {
  const { port } = await tlsService(certs.server);
  expect(await firstValueFrom(tlsClient(port, { ca: certs.ca, ...certs.client }).send('who', ''))).toBe('nobody');

  const plain = await startService([TlsController]);
  expect(await firstValueFrom(clientOf(plain.port, { protocol: 'session' }).send('who', ''))).toBe('nobody');
});

test('a client without a certificate, or with one that nobody vouches for, is served where tlsOptions allow it', async () => {
  const { port } = await tlsService({ ...certs.server, ca: certs.ca, requestCert: true, rejectUnauthorized: false });

  expect(await firstValueFrom(tlsClient(port, { ca: certs.ca }).send('who', ''))).toBe('nobody');
  expect(await firstValueFrom(tlsClient(port, { ca: certs.ca, ...certs.stranger }).send('who', ''))).toBe('stranger');
});

test('a host name is asked for, and is what the certificate has to be made out to', async () => {
  const asked: string[] = [];
  const { port } = await tlsService({
    ...certs.elsewhere,
    SNICallback: (name, done) => {
      asked.push(name);
      done(null);
    },
  });
  const client = tlsClient(port, { ca: certs.ca, servername: 'elsewhere.example' }, { host: 'localhost' });
  expect(await firstValueFrom(client.send('toupper', 'x'))).toBe('X');
  await expect(tlsClient(port, { ca: certs.ca }, { host: 'localhost' }).connect()).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
  });

  expect(asked).toEqual(['elsewhere.example', 'localhost']);
});

test('TLS goes over a Unix domain socket, too', async () => {
  const path = await socketPath();
  await tlsService({ ...certs.server, ca: certs.ca, requestCert: true }, { path });
  const client = clientOf(0, {
    port: undefined,
    path,
    protocol: 'session',
    tlsOptions: { ca: certs.ca, ...certs.client },
  });

  expect(await firstValueFrom(client.send('who', ''))).toBe('client');
  expect(await collect(client.stream('toupper', 'x'))).toEqual(['X']);
});

test('a server listens again behind a close, and still speaks TLS', async () => {
  const { app, server, port } = await tlsService(certs.server);
  await app.close();
  await new Promise((resolve) => {
    server.listen(resolve);
  });
  onTestFinished(() => server.close());
  const address = server.unwrap().address();
  expect(address).not.toEqual({ port });

  const client = tlsClient((address as { port: number }).port, { ca: certs.ca });
  // The handlers are still there.
  expect(await firstValueFrom(client.send('toupper', 'x'))).toBe('X');
});
