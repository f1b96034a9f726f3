import { concat, firstValueFrom, from, NEVER, Observable, of, range, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { serviceOfFile } from './support/child.js';
import { all, clientIn, collect } from './support/client.js';
import { Deferred } from './support/service/deferred.js';

const service = serviceOfFile('streams');

async function* numbers(to: number, onEnd: () => void = () => {}): AsyncGenerator<number> {
  try {
    for (let number = 1; number <= to; number++) yield number;
  } finally {
    onEnd();
  }
}

test.each([
  ['an async generator', () => numbers(100)],
  ['an Observable', () => range(1, 100)],
  ['an Observable without values', () => from([])],
])('the handler reads %s item by item', async (name, source) => {
  const client = await clientIn(service().port);
  const sum = name.endsWith('without values') ? 0 : 5050;
  expect(await firstValueFrom(client.send('sum', source()))).toBe(sum);
  expect(await collect(client.stream('sum', source()))).toEqual([sum]);
});

test('items keep their types', async () => {
  const client = await clientIn(service().port);
  const items = ['text', '', Buffer.from([0, 255]), null, 0, { a: [1] }, [2], false];
  expect(await collect(client.stream('echo items', from(items)))).toStrictEqual(items);
});

test('items go both ways at once', async () => {
  const client = await clientIn(service().port);
  const sent: number[] = [];
  let goOn = new Deferred();
  async function* source(): AsyncGenerator<number> {
    for (let number = 1; number <= 3; number++) {
      sent.push(number);
      yield number;
      // The next is not there before the answer to this one.
      await goOn.promise;
      goOn = new Deferred();
    }
  }
  const answers: number[] = [];
  for await (const answer of client.stream<number>('doubled', source())) {
    answers.push(answer);
    expect(sent).toHaveLength(answers.length);
    goOn.resolve();
  }
  expect(answers).toEqual([2, 4, 6]);
  expect(await all(client.send('doubled', numbers(3)))).toEqual([2, 4, 6]);
});

test('the source waits for a handler that does not read: no more than its window is asked for', async () => {
  const client = await clientIn(service().port);
  const bytes = 65_536;
  const items = 800;
  let asked = 0;
  async function* source(): AsyncGenerator<Buffer> {
    for (let item = 0; item < items; item++) {
      asked++;
      const chunk = Buffer.alloc(bytes);
      chunk.writeUInt32BE(item);
      yield chunk;
    }
  }
  const before = await service().memory();
  const answer = firstValueFrom(client.send('slow reader', source()));
  expect(await service().noted('first item')).toBe(0);
  let last = -1;
  while (asked !== last) {
    last = asked;
    for (let trip = 0; trip < 50; trip++) await firstValueFrom(client.send('ping', trip));
  }
  // The one that is being handled, the server's window, the one that may overdraw it, and one that is ready.
  expect(asked).toBeLessThanOrEqual(1 + (256 * 1024) / bytes + 2);
  expect((await service().memory()).held - before.held).toBeLessThan(1024 * 1024);
  await service().open('go on reading');
  expect(await answer).toBe(items);
  expect(asked).toBe(items);
});

describe('a handler that answers early', () => {
  test('ends the generator that it reads from', async () => {
    const client = await clientIn(service().port);
    const ended = new Deferred();
    expect(await firstValueFrom(client.send('first only', numbers(Infinity, ended.resolve)))).toBe(1);
    await ended.promise;
  });

  test('ends the Observable that it reads from', async () => {
    const client = await clientIn(service().port);
    const unsubscribed = new Deferred();
    const source = new Observable<number>((subscriber) => {
      subscriber.next(7);
      return unsubscribed.resolve;
    });
    expect(await firstValueFrom(client.send('first only', source))).toBe(7);
    await unsubscribed.promise;
  });

  test('need not read at all', async () => {
    const client = await clientIn(service().port);
    const ended = new Deferred();
    expect(await firstValueFrom(client.send('never read', numbers(Infinity, ended.resolve)))).toBe('did not look');
    await ended.promise;
    expect(await firstValueFrom(client.send('never read', concat(of(1), NEVER)))).toBe('did not look');
  });
});

test.each([
  ['a generator', failingGenerator],
  [
    'an Observable',
    () =>
      concat(
        of(1, 2),
        throwError(() => new Error('the source broke')),
      ),
  ],
])('an error of %s reaches the handler as an error of its iterable', async (_name, source) => {
  const client = await clientIn(service().port);
  expect(await firstValueFrom(client.send('how it ends', source()))).toEqual({ taken: [1, 2], error: 'CANCELLED' });
});

test('an item that cannot be encoded reaches the handler as an error of its iterable', async () => {
  const client = await clientIn(service().port);
  const answer = await firstValueFrom(client.send('how it ends', from([1, 10n])));
  expect(answer).toEqual({ taken: [1], error: 'INVALID_ARGUMENT' });
});

test('the iterable that a handler gets is no thenable', async () => {
  const client = await clientIn(service().port);
  expect(await firstValueFrom(client.send('is a thenable', from([1])))).toBe(false);
});

test('an Observable as data that is too far ahead of its reader ends the input with RESOURCE_EXHAUSTED', async () => {
  const client = await clientIn(service().port, { maxAheadBytes: 1000 });
  const flood = range(1, 100_000);
  const failure = await firstValueFrom(client.send<{ error: string }>('how it ends', flood));
  expect(failure.error).toBe('RESOURCE_EXHAUSTED');
});

test('a caller that leaves ends the iterable that its handler reads', async () => {
  const client = await clientIn(service().port);
  const ended = new Deferred();
  const reader = client.stream('doubled', numbers(Infinity, ended.resolve));
  const items: unknown[] = [];
  for await (const item of reader) {
    items.push(item);
    break;
  }
  await ended.promise;
  expect(items).toEqual([2]);
});

async function* failingGenerator(): AsyncGenerator<number> {
  yield* numbers(2);
  throw new Error('the source broke');
}
