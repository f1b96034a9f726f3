import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';

import type { XtcpClient } from '../../src/index.js';
import { serviceOfFile, type ServiceProcess } from './support/child.js';
import { clientIn, collect, errorOf } from './support/client.js';

const service = serviceOfFile('streams');

const CHUNK = 65_536;
const WINDOW = 256 * 1024;
/** The least that a window is, and what counts before the server knows more. */
const LEAST_WINDOW = 65_536;
const MIB = 1024 * 1024;

test('a reader that stops stops the generator: 200 MB on offer, no more than the window asked for', async () => {
  const client = await clientIn(service().port, { windowBytes: WINDOW });
  const items = (200 * 1_000_000) / CHUNK;
  // Once before, so that what it loads and compiles is not counted.
  await collect(client.stream('chunks', { name: 'warm up', items: 50, bytes: CHUNK }));
  const before = await service().memory();
  const reader = client.stream<Buffer>('chunks', { name: 'paced', items, bytes: CHUNK })[Symbol.asyncIterator]();
  const taken = 3;
  for (let item = 0; item < taken; item++) expect((await reader.next()).value?.readUInt32BE()).toBe(item);

  const asked = await settledCount(client, service(), 'paced');
  expect(asked).toBeGreaterThanOrEqual(taken);
  // What was taken, what the window holds, the one that may overdraw it, and the one that is ready behind that.
  expect(asked).toBeLessThanOrEqual(taken + Math.ceil(WINDOW / CHUNK) + 2);
  expect((await service().memory()).held - before.held).toBeLessThan(2 * MIB);

  // It goes on, and the service holds no more at any time than it did while it waited.
  let held = 0;
  let rss = 0;
  let read = 0;
  for (let item = taken; ; item++) {
    const next = await reader.next();
    if (next.done === true) {
      read = item;
      break;
    }
    if (next.value.readUInt32BE() !== item) throw new Error(`item ${item} is out of order`);
    if (item % 500 !== 0) continue;
    const now = await service().memory();
    held = Math.max(held, now.held);
    rss = Math.max(rss, now.rss);
  }
  expect(read).toBe(Math.ceil(items));
  expect(held - before.held).toBeLessThan(32 * MIB);
  expect(rss - before.rss).toBeLessThan(96 * MIB);
}, 60_000);

test('a small window holds the generator back earlier', async () => {
  const client = await clientIn(service().port, { windowBytes: LEAST_WINDOW });
  const reader = client.stream('chunks', { name: 'small window', items: 1000, bytes: 8192 })[Symbol.asyncIterator]();
  await reader.next();
  expect(await settledCount(client, service(), 'small window')).toBeLessThanOrEqual(1 + LEAST_WINDOW / 8192 + 2);
  await reader.return?.();
});

test('a consumer of send(), which cannot wait, gets everything', async () => {
  const client = await clientIn(service().port);
  let bytes = 0;
  await client.send<Buffer>('chunks', { name: 'sent', items: 200, bytes: CHUNK }).forEach((chunk) => {
    bytes += chunk.length;
  });
  expect(bytes).toBe(200 * CHUNK);
});

test('an Observable that pushes too far ahead fails with RESOURCE_EXHAUSTED and is unsubscribed; others go on', async () => {
  const client = await clientIn(service().port);
  const beside = client.stream<Buffer>('chunks', { name: 'beside', items: 50, bytes: CHUNK })[Symbol.asyncIterator]();
  await beside.next();
  const flood = client.stream('flood', { name: 'flood', items: 1_000_000, bytes: CHUNK })[Symbol.asyncIterator]();
  await service().noted('unsubscribed', (name) => name === 'flood');
  // The bound of what it may hold is a mebibyte.
  expect(await service().count('flood')).toBeLessThanOrEqual((WINDOW + MIB) / CHUNK + 3);

  const failure = await errorOf(untilEnd(flood));
  expect(failure).toMatchObject({ code: 'RESOURCE_EXHAUSTED', pattern: 'flood' });
  expect(await firstValueFrom(client.send('ping', 'still here'))).toBe('still here');
  expect(await untilEnd(beside)).toBe(49);
});

test('an Observable that stays within the bound is held for a reader that comes later', async () => {
  const client = await clientIn(service().port);
  const items = collect(client.stream('mapped', 10_000));
  expect(await items).toEqual(Array.from({ length: 10_000 }, (_, index) => ({ number: index + 1 })));
});

/** Asks the service, over the same connection, until its count stands still over many round trips. */
async function settledCount(client: XtcpClient, of: ServiceProcess, name: string): Promise<number> {
  let last = -1;
  for (;;) {
    for (let trip = 0; trip < 50; trip++) await firstValueFrom(client.send('ping', trip));
    const now = await of.count(name);
    if (now === last) return now;
    last = now;
  }
}

async function untilEnd(reader: AsyncIterator<unknown>): Promise<number> {
  let items = 0;
  while ((await reader.next()).done !== true) items++;
  return items;
}
