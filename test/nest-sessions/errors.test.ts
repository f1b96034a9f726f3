import { firstValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { XtcpError, type XtcpClient } from '../../src/index.js';
import { serviceOfFile } from './support/child.js';
import { clientIn, collect, errorOf } from './support/client.js';

const service = serviceOfFile('errors');
const intercepted = serviceOfFile('intercepted');

const failureOf = async (client: XtcpClient, pattern: unknown, data: unknown = 'x'): Promise<unknown> =>
  errorOf(firstValueFrom(client.send(pattern, data)));

test('a pattern without handler is UNIMPLEMENTED, in the words of Nest', async () => {
  const client = await clientIn(service().port);
  const failure = await failureOf(client, 'no such pattern');
  expect(failure).toBeInstanceOf(XtcpError);
  expect(failure).toMatchObject({
    code: 'UNIMPLEMENTED',
    executed: false,
    pattern: 'no such pattern',
    endpoint: `127.0.0.1:${service().port}`,
    message: expect.stringContaining('There is no matching message handler defined in the remote service.') as string,
  });
  expect(await errorOf(collect(client.stream('no such pattern', 'x')))).toMatchObject({ code: 'UNIMPLEMENTED' });
});

describe('an XtcpException arrives with its code, message and details:', () => {
  test('from a handler', async () => {
    const client = await clientIn(service().port);
    const failure = await failureOf(client, 'coded');
    expect(failure).toBeInstanceOf(XtcpError);
    expect(failure).toMatchObject({ code: 'PERMISSION_DENIED', details: { needs: ['admin'], count: 0 } });
    expect((failure as XtcpError).message).toContain('not you');
  });

  test('from a guard', async () => {
    const client = await clientIn(service().port);
    const failure = await failureOf(client, 'guarded');
    expect(failure).toMatchObject({ name: 'XtcpError', code: 'UNAUTHENTICATED', details: { hint: 'a token' } });
  });

  test('from a pipe', async () => {
    const client = await clientIn(service().port);
    const failure = await failureOf(client, 'piped');
    expect(failure).toMatchObject({ name: 'XtcpError', code: 'INVALID_ARGUMENT', details: ['a', 1] });
  });

  test('from a generator, behind its items', async () => {
    const client = await clientIn(service().port);
    const reader = client.stream('coded in mid-stream', 'x')[Symbol.asyncIterator]();
    expect(await reader.next()).toEqual({ done: false, value: 1 });
    const failure = await errorOf(reader.next());
    expect(failure).toMatchObject({ name: 'XtcpError', code: 'RESOURCE_EXHAUSTED' });
  });
});

test.each([0, '', false, null, undefined])('an error that is %o is an error', async (error) => {
  const client = await clientIn(service().port);
  const failure = await failureOf(client, 'falsy', { error });
  expect(failure).toBeInstanceOf(XtcpError);
  expect(failure).toMatchObject({ code: 'APPLICATION', details: error ?? null });
});

test.each(['broken filter', 'bigint', 'cycle'])('%s: INTERNAL, and nobody waits', async (pattern) => {
  const client = await clientIn(service().port);
  const failure = await failureOf(client, pattern);
  expect(failure).toMatchObject({ name: 'XtcpError', code: 'INTERNAL' });
  expect((failure as XtcpError).message).toMatch(/^Internal server error/);
  await service().noted('error');
});

test('an item that cannot be encoded ends its stream, and its generator, and nothing else', async () => {
  const client = await clientIn(service().port);
  const reader = client.stream('bigint item', 'x')[Symbol.asyncIterator]();
  expect(await reader.next()).toEqual({ done: false, value: 1 });
  expect(await errorOf(reader.next())).toMatchObject({ name: 'XtcpError', code: 'INTERNAL' });
  await service().noted('returned');
  expect(await firstValueFrom(client.send('ping', 'x'))).toBe('pong');
});

test('ValidationPipe lets a stream of items pass to a handler that reads an AsyncIterable', async () => {
  const client = await clientIn(service().port);
  expect(await firstValueFrom(client.send('items of persons', persons()))).toBe(2);
});

describe('what an iterator throws', () => {
  test.each([
    ['text', { status: 'error', message: 'a text' }],
    ['object', { code: 7 }],
    ['unknown', { status: 'error', message: 'Internal server error' }],
    ['domain', { status: 'error', message: 'Internal server error' }],
  ])("is answered as Nest's base filter would: %s", async (how, failure) => {
    expect(await outcome(service().port, how)).toEqual({ items: [1, 2], failure });
  });

  test.each([
    ['text', { status: 'error', message: 'a text' }],
    ['object', { code: 7 }],
    ['unknown', { status: 'error', message: 'Internal server error' }],
    ['domain', { filtered: 'of the domain' }],
    ['http', { statusCode: 404, message: 'no more', error: 'Not Found' }],
  ])("goes through the application's filters with the interceptor: %s", async (how, failure) => {
    expect(await outcome(intercepted().port, how)).toEqual({ items: [1, 2], failure });
  });

  test('goes through the filters before the first item, too', async () => {
    const { items, failure } = await outcome(intercepted().port, 'at once');
    expect(items).toEqual([]);
    expect(failure).toEqual({ filtered: 'before the first' });
  });

  test('goes through the filters while the reader still sets the pace', async () => {
    const client = await clientIn(intercepted().port, { windowBytes: 65_536 });
    const reader = client.stream('counted', 'paced')[Symbol.asyncIterator]();
    await reader.next();
    let last = -1;
    for (let now = 0; now !== last; now = await intercepted().count('paced')) {
      last = now;
      for (let trip = 0; trip < 50; trip++) await firstValueFrom(client.send('ping', trip));
    }
    expect(last).toBeLessThanOrEqual(4);
    expect(await intercepted().count('paced bodies')).toBe(1);
    await reader.return?.();
    await intercepted().noted('returned', (name) => name === 'paced');
  });
});

async function* persons(): AsyncGenerator<object> {
  yield { name: 'a', age: 1 };
  yield { name: 'b', age: 2 };
}

async function outcome(port: number, how: string): Promise<{ items: number[]; failure: unknown }> {
  const client = await clientIn(port);
  const items: number[] = [];
  const failure = await errorOf(
    (async () => {
      for await (const item of client.stream<number>('iterator', how)) items.push(item);
    })(),
  );
  return { items, failure };
}
