import { connect } from 'node:net';

import { firstValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { xtcpFailureOf } from '../nest/support/failures.js';
import { isSettled } from '../pool/fake-dial.js';
import { RawPeer } from '../support/raw.js';
import { ask, curl, hasCurl, statusOf } from './probing.js';
import { hello, logged, serving, takeFrame } from './serving.js';

const OPTIONS = { probes: { metrics: false }, gracePeriodMs: 60_000 };
const REQUEST = 'GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n';

/** What a new connection meets: `open`, or the code of Node's error. */
function met(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? '');
    });
    socket.on('connect', () => {
      resolve('open');
      socket.destroy();
    });
  });
}

describe('a server with probes that drains', () => {
  test('goes on listening, says that it is not ready, and alive, and stops listening when it is done', async () => {
    const { server, port, client, called, open } = await serving(OPTIONS);
    const call = firstValueFrom(client().send('wait', 'x'));
    await called.count(1);
    expect(await statusOf(port, '/readyz')).toBe(200);

    const drained = server.drain();
    expect(await ask({ port, path: '/readyz' })).toMatchObject({ status: 503, text: 'not ready: draining\n' });
    expect(await statusOf(port, '/livez')).toBe(200);
    expect(await isSettled(drained)).toBe(false);

    open();
    expect(await call).toBe('x');
    await drained;
    expect(await met(port)).toBe('ECONNREFUSED');
  });

  test.skipIf(!hasCurl)('has curl fail by 503', async () => {
    const { server, port, client, called } = await serving(OPTIONS);
    const call = xtcpFailureOf(client({ retries: 0 }).send('wait', 'x'));
    await called.count(1);
    const drained = server.drain(1000);
    expect(await curl('--fail', `http://127.0.0.1:${port}/readyz`)).toMatchObject({ code: 22 });
    await drained;
    expect(await curl('--fail', `http://127.0.0.1:${port}/readyz`)).toMatchObject({ code: 7 });
    await server.close();
    expect(await call).toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('turns new clients away, and logs nothing of it', async () => {
    const { server, port, raw, client, called, open } = await serving(OPTIONS);
    const call = firstValueFrom(client().send('wait', 'x'));
    await called.count(1);
    const drained = server.drain();
    const lines = logged();

    const peer = await raw();
    peer.send(`${hello()}3\r\nQt1\r\n4\r\necho\r\n1\r\nx\r\n\r\n`);
    const [, , json] = await takeFrame(peer);
    expect(JSON.parse(json ?? '')).toEqual({
      error: { code: 'UNAVAILABLE', message: 'the server is shutting down', executed: false },
    });
    expect(await peer.takeAll()).toBe('');
    peer.socket.end();

    const classic = await raw();
    classic.send('4\r\necho\r\n1\r\nx\r\n\r\n'.repeat(2));
    expect(await takeFrame(classic)).toEqual(['XTCP Server: UNAVAILABLE: the server is shutting down']);
    expect(await classic.takeAll()).toBe('');
    classic.socket.end();

    const refused = await xtcpFailureOf(client({ retries: 0 }).send('echo', 'y'));
    expect(refused).toMatchObject({ code: 'UNAVAILABLE', executed: false });
    expect([called.all, lines.all]).toEqual([['x'], []]);
    expect(await met(port)).toBe('open');
    open();
    expect(await call).toBe('x');
    await drained;
  });

  test('serves the sessions that it has, new calls included', async () => {
    const { server, raw } = await serving(OPTIONS);
    const peer = await raw();
    peer.send(hello());
    await takeFrame(peer);
    const drained = server.drain();
    expect((await takeFrame(peer))[0]).toBe('G');
    peer.send('3\r\nQt1\r\n4\r\necho\r\n4\r\nlate\r\n\r\n');
    expect(await takeFrame(peer)).toEqual(['At1', 'late']);
    expect(await isSettled(drained)).toBe(false);
    peer.send('1\r\nG\r\n2\r\n{}\r\n\r\n');
    peer.socket.end();
    await drained;
  });

  test('waits neither for what says nothing yet, nor for probes, nor for those whom it turned away', async () => {
    const { server, port, raw, client, called, open } = await serving(OPTIONS);
    const silent = await raw();
    const asking = await raw();
    asking.send(REQUEST.slice(0, 9));
    expect(await statusOf(port, '/livez')).toBe(200);
    const call = firstValueFrom(client().send('wait', 'x'));
    await called.count(1);
    const drained = server.drain();
    // The end of its output is not said, so that it stays open for a second behind its answer.
    const turnedAway = await raw();
    turnedAway.send(hello());
    await takeFrame(turnedAway);
    expect([silent.ended, asking.ended]).toEqual([false, false]);
    open();
    expect(await call).toBe('x');
    await drained;
    expect([await silent.takeAll(), await asking.takeAll()]).toEqual(['', '']);
  });

  test('answers a probe whose connection came before', async () => {
    const { server, raw, client, called, open } = await serving(OPTIONS);
    const call = firstValueFrom(client().send('wait', 'x'));
    await called.count(1);
    const silent = await raw();
    const asking = await raw();
    asking.send(REQUEST.slice(0, 9));
    const drained = server.drain();
    silent.send(REQUEST);
    asking.send(REQUEST.slice(9));
    expect(await silent.takeAll()).toMatch(/^HTTP\/1\.1 503 /);
    expect(await asking.takeAll()).toMatch(/^HTTP\/1\.1 503 /);
    open();
    expect(await call).toBe('x');
    await drained;
  });

  test('is done at once where nobody is there, and closes at once with probes open', async () => {
    const { server, port } = await serving(OPTIONS);
    await server.drain();
    expect(await met(port)).toBe('ECONNREFUSED');
    await server.close();
    const second = await serving(OPTIONS);
    const peer = await RawPeer.dial(second.port);
    peer.send('GET');
    expect(await statusOf(second.port, '/readyz')).toBe(200);
    await second.server.close();
    await peer.takeAll();
  });

  test('is ready again where it listens again', async () => {
    const { app, server } = await serving(OPTIONS);
    await server.close();
    const address = await new Promise<unknown>((resolve, reject) => {
      server.listen((error, bound) => {
        if (error === undefined) resolve(bound);
        else reject(error);
      });
    });
    expect(await statusOf((address as { port: number }).port, '/readyz')).toBe(200);
    await app.close();
  });
});
