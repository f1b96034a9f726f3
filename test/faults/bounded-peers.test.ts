import { Logger } from '@nestjs/common';
import { lastValueFrom } from 'rxjs';
import { expect, onTestFinished, test } from 'vitest';

import { XtcpRecordBuilder } from '../../src/index.js';
import { xtcpFailureOf } from '../nest/support/failures.js';
import { RawPeer } from '../support/raw.js';
import { clientOf } from '../support/service.js';
import { FaultyProxy } from './support/proxy.js';
import { expectUnharmed, faultService, untilDeserted } from './support/service.js';
import { SessionPeer } from './support/session-peer.js';

/** What the log says from here to the end of the test. */
function logged(): string[] {
  const lines: string[] = [];
  const write = (message: unknown): void => {
    lines.push(message instanceof Error ? message.message : String(message));
  };
  Logger.overrideLogger({ log: () => {}, warn: write, error: write });
  onTestFinished(() => {
    Logger.overrideLogger(false);
  });
  return lines;
}

test('a peer that connects and says nothing is let go', async () => {
  const service = await faultService({ handshakeTimeoutMs: 50 });
  const peer = await RawPeer.dial(service.port);
  expect(await peer.takeAll()).toContain('DEADLINE_EXCEEDED');
  peer.socket.end();
  await untilDeserted(service);
});

test('a peer that sends its hello byte by byte, for ever, is let go', async () => {
  const service = await faultService({ handshakeTimeoutMs: 100, incompleteMessageTimeout: 10_000 });
  const peer = await RawPeer.dial(service.port);
  peer.send('4\r\nxtcp\r\n1\r\n1\r\n60000\r\n');
  const drip = setInterval(() => {
    peer.send('x');
  }, 5);
  onTestFinished(() => {
    clearInterval(drip);
  });
  await peer.until(() => peer.ended || peer.closed);
  expect(peer.bytes).toContain('DEADLINE_EXCEEDED');
  clearInterval(drip);
  peer.socket.destroy();
  await untilDeserted(service);
  await expectUnharmed(service);
});

test('a session without calls is asked to go, and closed', async () => {
  const service = await faultService({ idleTimeoutMs: 50 });
  const peer = await SessionPeer.open(service.port);
  expect((await peer.take())?.[0]).toBe('G');
  peer.raw.socket.end();
  await untilDeserted(service);
});

test('a peer that floods pings beyond what is allowed is told so, and let go', async () => {
  const service = await faultService({ maxControlFramesPerSecond: 100 });
  const peer = await SessionPeer.open(service.port);
  peer.sendAll(Array.from({ length: 10_000 }, (_, ping) => [`P${ping}`]));
  const goingAway = await peer.takeHead('G');
  expect(JSON.parse(goingAway?.[1] ?? '')).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
  peer.raw.socket.destroy();
  await untilDeserted(service);
  await expectUnharmed(service);
});

test('a peer that never reads is dropped past what may wait for it, with its calls', async () => {
  const service = await faultService({ maxSendBufferSize: 1_000_000 });
  const peer = await SessionPeer.open(service.port, { maxFrame: 20_000_000 });
  peer.raw.socket.pause();
  peer.send('Qt1', 'wait', 'beside');
  peer.sendAll(Array.from({ length: 20 }, (_, index) => [`Qj${index + 2}`, 'blob', '1000000']));
  expect(await service.ended.including('beside')).toEqual(['beside']);
  await untilDeserted(service);
  await expectUnharmed(service);
});

test('a peer that takes nothing, though little waits for it, is dropped', async () => {
  const service = await faultService({ writeTimeoutMs: 100, keepAliveIntervalMs: 0 });
  const proxy = await FaultyProxy.listen(service.port);
  onTestFinished(() => proxy.close());
  const peer = await SessionPeer.open(proxy.port, { maxFrame: 20_000_000 });
  peer.raw.socket.pause();
  peer.send('Qt1', 'wait', 'beside');
  await service.began.including('beside');
  // More than the systems on the way hold.
  peer.send('Qj2', 'blob', '15000000');
  expect(await service.ended.including('beside')).toEqual(['beside']);
  await untilDeserted(service);
});

test('one address takes no more connections than it may', async () => {
  const service = await faultService({ maxConnectionsPerAddress: 3 });
  const peers = await Promise.all(Array.from({ length: 3 }, () => SessionPeer.open(service.port)));
  const refused = await RawPeer.dial(service.port);
  expect(await refused.takeAll()).toMatch(/RESOURCE_EXHAUSTED|^$/);
  for (const peer of [...peers.map(({ raw }) => raw), refused]) peer.socket.destroy();
  await untilDeserted(service);
  await expectUnharmed(service);
});

test('all connections together run no more calls than the server serves', async () => {
  const service = await faultService({ maxServerCalls: 5 });
  const peers = await Promise.all(Array.from({ length: 3 }, () => SessionPeer.open(service.port)));
  for (const peer of peers) peer.sendAll(['1', '2', '3'].map((id) => [`Qt${id}`, 'stubborn', 'x']));
  for (const peer of peers) peer.send('P1');
  const refusals: unknown[] = [];
  for (const peer of peers) {
    for (let frame = await peer.take(); frame?.[0] !== 'R1'; frame = await peer.take()) {
      refusals.push(JSON.parse(frame?.[1] ?? ''));
    }
  }
  expect(service.began.all).toHaveLength(5);
  expect(refusals).toHaveLength(4);
  for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'RESOURCE_EXHAUSTED', executed: false });
  service.release();
  for (const { raw } of peers) raw.socket.destroy();
  await untilDeserted(service);
  await expectUnharmed(service);
});

test('a peer that breaks the protocol again and again has its complaints counted, not repeated', async () => {
  const service = await faultService();
  const lines = logged();
  const rounds = 200;
  for (let round = 0; round < rounds; round++) {
    const peer = await RawPeer.dial(service.port);
    peer.send(round % 2 === 0 ? 'nonsense \x1b[31m secret' : '4\r\nxtcp\r\n1\r\n0\r\n6\r\nsecret\r\n\r\n');
    await peer.until(() => peer.ended || peer.closed);
    peer.socket.destroy();
  }
  await untilDeserted(service);
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.length).toBeLessThan(5);
  for (const line of lines) {
    // oxlint-disable-next-line no-control-regex -- it is what must not be there
    expect(line).not.toMatch(/[\0-\x1f\x7f]|secret/);
  }
});

test('where new connections are refused for a while, calls wait for the server that was there', async () => {
  const service = await faultService();
  const proxy = await FaultyProxy.listen(service.port);
  onTestFinished(() => proxy.close());
  const client = clientOf(proxy.port, { protocol: 'session', reconnectDelayMs: 10, maxReconnectDelayMs: 20 });
  const statuses: string[] = [];
  client.status.subscribe((status) => statuses.push(status));
  await client.connect();
  await proxy.refuse();
  proxy.resetAll();
  await expect.poll(() => statuses.at(-1)).toBe('reconnecting');
  const inTime = lastValueFrom(client.send('echo', 'waited'));
  expect(
    await xtcpFailureOf(client.stream('items', 'x', { timeoutMs: 50 })[Symbol.asyncIterator]().next()),
  ).toMatchObject({
    code: 'UNAVAILABLE',
    executed: false,
  });
  await proxy.accept();
  expect(await inTime).toBe('waited');
  expect(statuses.at(-1)).toBe('connected');
});

test('a call whose connection is cut in the middle of its request is made again only where it may run twice', async () => {
  const service = await faultService();
  const proxy = await FaultyProxy.listen(service.port);
  onTestFinished(() => proxy.close());
  const client = clientOf(proxy.port, { protocol: 'session', reconnectDelayMs: 10 });
  await client.connect();
  proxy.cutAfter('toServer', 4, 'reset');
  expect(await xtcpFailureOf(client.send('echo', 'once'))).toMatchObject({ code: 'UNAVAILABLE', executed: undefined });
  service.release();
  await client.connect();
  proxy.cutAfter('toServer', 4, 'reset');
  const values: string[] = [];
  for await (const item of client.stream<string>('items', 'again', { idempotent: true })) values.push(item);
  expect(values).toEqual(['first', 'last']);
});

test('the dispatch hook runs once for a call that is made again', async () => {
  const service = await faultService();
  const proxy = await FaultyProxy.listen(service.port);
  onTestFinished(() => proxy.close());
  const client = clientOf(proxy.port, { protocol: 'session', reconnectDelayMs: 10 });
  let runs = 0;
  client.setOnDispatchHook(() => runs++);
  await client.connect();
  proxy.cutAfter('toServer', 4, 'reset');
  const record = new XtcpRecordBuilder('twice').setIdempotent().build();
  const answer = lastValueFrom(client.send('echo', record));
  service.release();
  expect([await answer, runs]).toEqual(['twice', 1]);
});
