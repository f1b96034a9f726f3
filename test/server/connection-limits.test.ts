import { firstValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { ConnectionPlaces } from '../../src/server/connection-places.js';
import { xtcpFailureOf } from '../nest/support/failures.js';
import { serving, takeFrame } from './serving.js';

describe('places for connections', () => {
  test('are so many in all, wherever they come from', () => {
    const places = new ConnectionPlaces({ maxConnections: 3, maxConnectionsPerAddress: 2 });
    expect([places.take('a'), places.take('b'), places.take(undefined)]).toEqual([undefined, undefined, undefined]);
    expect(places.take('c')).toMatchObject({ code: 'RESOURCE_EXHAUSTED', executed: false });
    places.free('b');
    expect(places.take('c')).toBeUndefined();
    expect(places.take('b')?.message).toBe('3 connections are open (maxConnections)');
  });

  test('are so many for one address, and none is taken by who is turned away', () => {
    const places = new ConnectionPlaces({ maxConnections: 100, maxConnectionsPerAddress: 2 });
    places.take('a');
    places.take('a');
    for (let count = 0; count < 200; count++) {
      expect(places.take('a')?.message).toBe('2 connections from its address are open (maxConnectionsPerAddress)');
    }
    expect(places.take('b')).toBeUndefined();
    places.free('a');
    expect(places.take('a')).toBeUndefined();
    expect(places.take('a')).toBeDefined();
  });

  test('of Unix sockets are bounded in all only', () => {
    const places = new ConnectionPlaces({ maxConnections: 5, maxConnectionsPerAddress: 1 });
    for (let count = 0; count < 5; count++) expect(places.take(undefined)).toBeUndefined();
    expect(places.take(undefined)).toBeDefined();
  });
});

describe.each([{ maxConnections: 1 }, { maxConnectionsPerAddress: 1 }])('a server with %j', (limits) => {
  test('turns a further client away: UNAVAILABLE, not executed', async () => {
    const { client, raw } = await serving(limits);
    await client().connect();
    expect(await takeFrame(await raw())).toEqual([
      expect.stringMatching(/^XTCP Server: RESOURCE_EXHAUSTED: 1 connections .*are open/),
    ]);
    const failure = await xtcpFailureOf(client({ retries: 0 }).send('echo', 'x'));
    expect(failure).toMatchObject({ code: 'UNAVAILABLE', executed: false });
  });

  test('gives the place back when a connection is closed', async () => {
    const { client, server } = await serving(limits);
    const first = client();
    expect(await firstValueFrom(first.send('echo', 1))).toBe(1);
    const closed = new Promise((resolve) => {
      server.on('connection', (socket) => socket.once('close', resolve));
    });
    await first.close();
    // One that may still come too early, and one behind it that cannot.
    const refused = client({ retries: 0 });
    await refused.connect().then(
      () => refused.close(),
      () => {},
    );
    await closed;
    expect(await firstValueFrom(client().send('echo', 2))).toBe(2);
  });
});

test('calls beyond those that the server runs at once are turned away, whatever their connection', async () => {
  const { client, called, open } = await serving({ maxServerCalls: 1 });
  const running = firstValueFrom(client().send('wait', 'first'));
  await called.count(1);
  for (const other of [client({ retries: 0 }), client({ retries: 0, protocol: 'classic' })]) {
    const failure = await xtcpFailureOf(other.send('echo', 'x'));
    expect(failure.code).toBe('RESOURCE_EXHAUSTED');
    expect(failure.message).toContain('the server runs 1 calls already (maxServerCalls)');
  }
  open();
  await running;
  expect(called.all).toEqual(['first']);
  expect(await firstValueFrom(client().send('echo', 'x'))).toBe('x');
});
