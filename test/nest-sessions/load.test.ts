import { firstValueFrom, range } from 'rxjs';
import { expect, test } from 'vitest';

import { serviceOfFile } from './support/child.js';
import { clientIn, collect } from './support/client.js';

const service = serviceOfFile('streams', { options: { maxCalls: 20_000 } });

const CALLS = 10_000;
const STREAMS = 50;
const ITEMS = 200;

test('10,000 calls and 50 streams at once on one connection, every value checked', async () => {
  const client = await clientIn(service().port, { queueTimeoutMs: 0, requestTimeoutMs: 0, maxQueue: CALLS + STREAMS });
  const calls = Array.from({ length: CALLS }, async (_, index) => {
    const data = dataOf(index);
    expect(await firstValueFrom(client.send('ping', data))).toStrictEqual(data);
  });
  const streams = Array.from({ length: STREAMS }, async (_, index) => {
    const doubled = index % 2 === 0;
    const source = doubled
      ? client.stream<number>('doubled', range(index, ITEMS))
      : client.stream<number>('generator', ITEMS + index);
    const expected = doubled
      ? Array.from({ length: ITEMS }, (__, item) => (index + item) * 2)
      : Array.from({ length: ITEMS + index }, (__, item) => item + 1);
    expect(await collect(source)).toEqual(expected);
  });
  await Promise.all([...calls, ...streams]);
  expect(client.unwrap()).toHaveLength(1);
}, 60_000);

test('with both directions full at once nothing locks up: streams', async () => {
  const client = await clientIn(service().port);
  const bytes = 65_536;
  const items = 40;
  async function* source(stream: number): AsyncGenerator<Buffer> {
    for (let item = 0; item < items; item++) yield Buffer.alloc(bytes, stream * items + item);
  }
  await Promise.all(
    Array.from({ length: 20 }, async (_, stream) => {
      let item = 0;
      for await (const echo of client.stream<Buffer>('echo items', source(stream))) {
        expect(echo.equals(Buffer.alloc(bytes, stream * items + item))).toBe(true);
        item++;
      }
      expect(item).toBe(items);
    }),
  );
  expect(client.unwrap()).toHaveLength(1);
}, 60_000);

test('with both directions full at once nothing locks up: large calls', async () => {
  const client = await clientIn(service().port, { queueTimeoutMs: 0, requestTimeoutMs: 0, maxQueue: CALLS + STREAMS });
  const megabytes = Array.from({ length: 60 }, (_, index) => Buffer.alloc(1_000_000, index));
  const answers = await Promise.all(megabytes.map((data) => firstValueFrom(client.send<Buffer>('ping', data))));
  for (const [index, answer] of answers.entries()) expect(answer.equals(megabytes[index]!)).toBe(true);
  expect(client.unwrap()).toHaveLength(1);
}, 60_000);

/** Data of every kind, none like another. */
function dataOf(index: number): unknown {
  switch (index % 5) {
    case 0:
      return index;
    case 1:
      return `text ${index}`;
    case 2:
      return { index, nested: [index] };
    case 3:
      return Buffer.from(`octets ${index}`);
    default:
      return [index, null, String(index)];
  }
}
