import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';

import { isSettled } from '../pool/fake-dial.js';
import { xtcpFailureOf } from '../nest/support/failures.js';
import { frameOf } from '../session/session-play.js';
import { hello, serving, takeFrame } from './serving.js';

test('a server that drains asks its clients to leave, serves what still comes, and is done when they have left', async () => {
  const { server, raw, client } = await serving({ gracePeriodMs: 60_000 });
  const peer = await raw();
  peer.send(hello());
  await takeFrame(peer);
  const drained = server.drain();
  expect(await takeFrame(peer)).toEqual(['G', '{"code":"UNAVAILABLE","reason":"the server is shutting down"}']);
  peer.send(frameOf('Qt1', 'echo', 'late'));
  expect(await takeFrame(peer)).toEqual(['At1', 'late']);

  const refused = await xtcpFailureOf(client({ retries: 0 }).send('echo', 'x'));
  expect(refused).toMatchObject({ code: 'UNAVAILABLE', executed: false });
  expect(await isSettled(drained)).toBe(false);
  peer.send(frameOf('G', '{}'));
  peer.socket.end();
  await drained;
  await server.close();
});

test('draining and closing wait for the calls that run', async () => {
  const { server, client, called, open } = await serving({ gracePeriodMs: 60_000 });
  const call = firstValueFrom(client().send('wait', 'x'));
  await called.count(1);
  const drained = server.drain();
  const closed = server.close();
  expect([await isSettled(drained), await isSettled(closed)]).toEqual([false, false]);
  open();
  expect(await call).toBe('x');
  await Promise.all([drained, closed]);
});

test('draining is done when its time is over, and what is left is closed by close()', async () => {
  const { server, client, called } = await serving({ gracePeriodMs: 60_000 });
  const call = xtcpFailureOf(client({ retries: 0 }).send('wait', 'x'));
  await called.count(1);
  await server.drain(1);
  expect(await isSettled(call)).toBe(false);
  await server.close();
  expect(await call).toMatchObject({ code: 'UNAVAILABLE' });
});

test('a client that connects again while the server drains finds nobody', async () => {
  const { server, raw } = await serving();
  const silent = await raw();
  await server.drain();
  expect(await silent.takeAll()).toBe('');
  await expect(raw()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
