import { describe, expect, test } from 'vitest';

import { serviceOfFile } from './support/child.js';
import { all, clientIn, collect, errorOf } from './support/client.js';

const service = serviceOfFile('streams');

const UP = [1, 2, 3, 4, 5];
const DOWN = [5, 4, 3, 2, 1];

describe.each([
  ['an async generator', 'generator', UP],
  ['an async iterable', 'iterable', DOWN],
  ['a promised async iterable', 'promised', DOWN],
  ['an async iterable as the one value of an Observable', 'one value of an observable', DOWN],
  ['an Observable', 'observable', UP],
])('%s that a handler returns', (_name, pattern, items) => {
  test('arrives item by item through stream()', async () => {
    const client = await clientIn(service().port);
    expect(await collect(client.stream(pattern, 5))).toEqual(items);
  });

  test('arrives value by value through send()', async () => {
    const client = await clientIn(service().port);
    expect(await all(client.send(pattern, 5))).toEqual(items);
  });

  test('may be empty', async () => {
    const client = await clientIn(service().port);
    expect(await collect(client.stream(pattern, 0))).toEqual([]);
    expect(await all(client.send(pattern, 0))).toEqual([]);
  });
});

test('a handler that returns a value gives a stream of one item', async () => {
  const client = await clientIn(service().port);
  expect(await collect(client.stream('ping', 'x'))).toEqual(['x']);
});

test('each iteration of a stream is a call of its own', async () => {
  const client = await clientIn(service().port);
  const stream = client.stream('generator', 3);
  expect(await collect(stream)).toEqual([1, 2, 3]);
  expect(await collect(stream)).toEqual([1, 2, 3]);
});

test('a stream fails for a pattern or data that is null', async () => {
  const client = await clientIn(service().port);
  expect(await errorOf(collect(client.stream('ping', null)))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  expect(await errorOf(collect(client.stream(undefined, 1)))).toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test.each([
  ['generator', 'generator bodies'],
  ['promised', 'promised bodies'],
  ['observable', 'observable bodies'],
])('with interceptors around it, the body of the %s runs once for each call', async (pattern, counter) => {
  const client = await clientIn(service().port);
  const before = await service().count(counter);
  const intercepted = await service().count('intercepted');
  await collect(client.stream(pattern, 3));
  await all(client.send(pattern, 3));
  expect((await service().count(counter)) - before).toBe(2);
  expect((await service().count('intercepted')) - intercepted).toBe(2);
});

test('streams of one connection are apart: each reader has its own pace', async () => {
  const client = await clientIn(service().port);
  const slow = client.stream<Buffer>('chunks', { name: 'slow', items: 64, bytes: 65_536 })[Symbol.asyncIterator]();
  expect((await slow.next()).value).toHaveLength(65_536);

  expect(await collect(client.stream('generator', 1000))).toHaveLength(1000);
  let items = 1;
  for (let next = await slow.next(); next.done !== true; next = await slow.next()) items++;
  expect(items).toBe(64);
  expect(client.unwrap()).toHaveLength(1);
});
