import { setImmediate } from 'node:timers/promises';

import { firstValueFrom } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';

import { XtcpRecordBuilder, XtcpServer, type ServingStatus, type XtcpClient } from '../../src/index.js';
import { ask } from '../nest/support/classic.js';
import { xtcpFailureOf } from '../nest/support/failures.js';
import { frameOf, thrownBy } from '../session/session-play.js';
import type { RawPeer } from '../support/raw.js';
import { hello, serving, takeFrame } from './serving.js';

const PATTERN = 'xtcp.health';

function health(client: XtcpClient, data: unknown = ''): Promise<unknown> {
  return firstValueFrom(client.send(PATTERN, new XtcpRecordBuilder(data).build()));
}

/** A connection that is nothing but a socket, with a session on it. */
async function sessionOf(raw: () => Promise<RawPeer>, members: object = {}): Promise<RawPeer> {
  const peer = await raw();
  peer.send(hello(members));
  await takeFrame(peer);
  return peer;
}

describe('in a session', () => {
  test('the whole server is asked for by nothing at all, and answers with all services that were set', async () => {
    const { server, client } = await serving();
    const caller = client();
    for (const nothing of [undefined, null, '', { service: '' }]) {
      expect(await health(caller, nothing)).toEqual({ status: 'SERVING', services: {} });
    }
    server.health.set('NOT_SERVING', 'reports');
    server.health.set('SERVING', '__proto__');
    expect(await health(caller)).toEqual({
      status: 'SERVING',
      services: { reports: 'NOT_SERVING', ['__proto__']: 'SERVING' },
    });
    server.health.set('NOT_SERVING');
    expect(await health(caller)).toMatchObject({ status: 'NOT_SERVING' });
    server.health.set('SERVING');
    expect(await health(caller)).toMatchObject({ status: 'SERVING' });
  });

  test('a service is asked for by its name, and is as it was set, whatever the whole server is', async () => {
    const { server, client } = await serving();
    const caller = client();
    server.health.set('NOT_SERVING');
    server.health.set('SERVING', 'reports');
    expect(await health(caller, 'reports')).toEqual({ status: 'SERVING' });
    expect(await health(caller, { service: 'reports' })).toEqual({ status: 'SERVING' });
    server.health.set('NOT_SERVING', 'reports');
    server.health.set('SERVING');
    expect(await health(caller, 'reports')).toEqual({ status: 'NOT_SERVING' });
  });

  test('a name that was never set is UNKNOWN, and stored nowhere', async () => {
    const { server, client } = await serving();
    const caller = client();
    const names = ['reports', 'constructor', '__proto__', 'x'.repeat(60_000)];
    for (const name of names) expect(await health(caller, name)).toEqual({ status: 'UNKNOWN' });
    expect(server.health.services).toEqual({});
    expect(await health(caller)).toEqual({ status: 'SERVING', services: {} });
  });

  test('the answer is this JSON', async () => {
    const { server, raw } = await serving();
    server.health.set('SERVING', 'reports');
    const peer = await sessionOf(raw);
    peer.send(frameOf('Qt1', PATTERN, ''));
    expect(await takeFrame(peer)).toEqual(['Aj1', '{"status":"SERVING","services":{"reports":"SERVING"}}']);
    peer.send(frameOf('Qj3', PATTERN, '{"service":"reports"}'));
    expect(await takeFrame(peer)).toEqual(['Aj3', '{"status":"SERVING"}']);
  });

  test.each<[string, unknown]>([
    ['a number', 7],
    ['a list', ['reports']],
    ['an object without a service', {}],
    ['a service that is no text', { service: null }],
    ['octets', Buffer.from('reports')],
  ])('%s is no name: INVALID_ARGUMENT, which says what is', async (_what, data) => {
    const { client } = await serving();
    const failure = await xtcpFailureOf(client().send(PATTERN, data));
    expect(failure.code).toBe('INVALID_ARGUMENT');
    expect(failure.message).toContain('takes the name of a service, as text or as { "service": name }');
  });

  test('it is answered where the server runs as many calls as it may', async () => {
    const { client, called, open } = await serving({ maxServerCalls: 1 });
    const caller = client({ retries: 0 });
    const running = firstValueFrom(caller.send('wait', 'x'));
    await called.count(1);
    expect(await xtcpFailureOf(caller.send('echo', 'y'))).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    expect(await health(caller)).toEqual({ status: 'SERVING', services: {} });
    open();
    expect(await running).toBe('x');
  });

  test('with authenticate only those may ask who were let in', async () => {
    const { client, raw } = await serving({
      authenticate: ({ auth }) => {
        if (auth !== 'token') throw new Error('no');
      },
    });
    expect(await health(client({ auth: 'token' }))).toEqual({ status: 'SERVING', services: {} });
    expect(await xtcpFailureOf(client({ auth: 'guess' }).send(PATTERN, ''))).toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    expect(await ask(await raw(), PATTERN)).toContain('UNIMPLEMENTED');
  });
});

describe('over classic', () => {
  test('it is answered with the same JSON, as text; what is asked for is the name', async () => {
    const { server, raw } = await serving({ payload: 'json' });
    server.health.set('NOT_SERVING', 'reports');
    const peer = await raw();
    expect(await ask(peer, PATTERN)).toBe('{"status":"SERVING","services":{"reports":"NOT_SERVING"}}');
    expect(await ask(peer, PATTERN, 'reports')).toBe('{"status":"NOT_SERVING"}');
    expect(await ask(peer, PATTERN, 'other')).toBe('{"status":"UNKNOWN"}');
  });

  test('octets that are no text are refused', async () => {
    const { raw } = await serving();
    expect(await ask(await raw(), PATTERN, Buffer.from([0xff]))).toContain('INVALID_ARGUMENT');
  });
});

describe('a server that drains', () => {
  test('is DRAINING at once, in all that it answers, and as it was set when it listens again', async () => {
    const { app, server, raw } = await serving({ gracePeriodMs: 60_000 });
    server.health.set('NOT_SERVING', 'reports');
    const peer = await sessionOf(raw);
    const drained = server.drain();
    expect(server.health.status()).toBe('DRAINING');
    expect(await takeFrame(peer)).toMatchObject(['G', {}]);

    peer.send(frameOf('Qt1', PATTERN, ''));
    expect(await takeFrame(peer)).toEqual(['Aj1', '{"status":"DRAINING","services":{"reports":"DRAINING"}}']);
    peer.send(frameOf('Qt3', PATTERN, 'reports'));
    expect(await takeFrame(peer)).toEqual(['Aj3', '{"status":"DRAINING"}']);
    peer.send(frameOf('Qt5', PATTERN, 'other'));
    expect(await takeFrame(peer)).toEqual(['Aj5', '{"status":"DRAINING"}']);
    server.health.set('SERVING');
    expect(server.health.status()).toBe('DRAINING');

    peer.send(frameOf('G', '{}'));
    peer.socket.end();
    await drained;
    await server.close();
    expect(server.health.status()).toBe('DRAINING');
    await app.listen();
    expect([server.health.status(), server.health.status('reports')]).toEqual(['SERVING', 'NOT_SERVING']);
  });

  test('is DRAINING where it is closed, too', async () => {
    const { server } = await serving();
    const closed = server.close();
    expect(server.health.status()).toBe('DRAINING');
    await closed;
  });

  test('stays so where it was told to drain while it was about to listen', async () => {
    const server = new XtcpServer({ port: 0 });
    const listened = new Promise<void>((resolve) => {
      server.listen(() => {
        resolve();
      });
    });
    await Promise.all([server.drain(0), listened]);
    expect(server.health.status()).toBe('DRAINING');
    await server.close();
  });
});

describe('what the application says', () => {
  test('counts from when the server listens, by when its status is told; before, it is NOT_SERVING', async () => {
    const server = new XtcpServer({ port: 0 });
    onTestFinished(() => server.close());
    server.health.set('SERVING', 'reports');
    const names = [undefined, '', 'reports', 'other'];
    const statuses = (): string[] => names.map((name) => server.health.status(name));
    expect(statuses()).toEqual(['NOT_SERVING', 'NOT_SERVING', 'NOT_SERVING', 'UNKNOWN']);
    const told: string[] = [];
    server.status.subscribe((status) => told.push(`${status}: ${server.health.status()}`));

    await new Promise<void>((resolve) => {
      server.listen(() => {
        resolve();
      });
    });
    await setImmediate();
    expect(told).toEqual(['connected: SERVING']);
    expect(statuses()).toEqual(['SERVING', 'SERVING', 'SERVING', 'UNKNOWN']);
  });

  test('is refused where it is no status to set, or no name', () => {
    const { health: own } = new XtcpServer();
    const refusals = (['DRAINING', 'UNKNOWN', 'serving', undefined] as unknown[]).map((status) =>
      thrownBy(() => {
        own.set(status as ServingStatus);
      }),
    );
    for (const refusal of refusals) expect(refusal).toMatchObject({ name: 'XtcpError', code: 'INVALID_ARGUMENT' });
    expect(String(refusals[0])).toContain('"DRAINING" cannot be set; there are SERVING, NOT_SERVING');
    for (const name of ['', 7, null]) {
      const refusal = thrownBy(() => {
        own.set('SERVING', name as string);
      });
      expect(refusal).toMatchObject({ name: 'XtcpError', code: 'INVALID_ARGUMENT' });
    }
    expect(own.services).toEqual({});
  });
});
