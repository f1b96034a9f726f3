import { lastValueFrom } from 'rxjs';
import { expect, test } from 'vitest';

import { serviceOfTest } from '../nest-sessions/support/child.js';
import { clientIn } from '../nest-sessions/support/client.js';
import { SessionPeer } from './support/session-peer.js';

const MIB = 1024 * 1024;
const READERS = 100;
const ANSWERS_EACH = 20;
const SEND_BUFFER = 2 * MIB;

test('100 connections that ask for 1 MiB answers and never read cost what is stated, and harm nobody', async () => {
  const service = await serviceOfTest('counted', { options: { maxSendBufferSize: SEND_BUFFER } });
  const client = await clientIn(service.port, { protocol: 'session', requestTimeoutMs: 0 });
  await lastValueFrom(client.send('echo', 'warm'));
  const before = await service.memory();

  const readers = await Promise.all(
    Array.from({ length: READERS }, () => SessionPeer.open(service.port, { maxFrame: 2 * MIB })),
  );
  for (const { raw } of readers) raw.socket.pause();
  for (let answer = 1; answer <= ANSWERS_EACH; answer++) {
    for (const reader of readers) reader.send(`Qj${answer}`, 'blob', String(MIB));
    // Others notice nothing, from the first to the last.
    expect(await lastValueFrom(client.send('echo', answer))).toBe(answer);
  }
  const during = await service.memory();

  // They do wait, each for one answer at least.
  expect(during.held - before.held).toBeGreaterThan((READERS * MIB) / 2);
  // For each connection, what may wait for it and the answer that goes past that.
  expect(during.held - before.held).toBeLessThan(READERS * (SEND_BUFFER + MIB));
  expect(await lastValueFrom(client.send<Buffer>('blob', MIB))).toHaveLength(MIB);
  for (const { raw } of readers) raw.socket.destroy();
  await expect
    .poll(async () => (await service.memory()).held - before.held, { timeout: 20_000, interval: 50 })
    .toBeLessThan(20 * MIB);
}, 60_000);
