import { firstValueFrom, take } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { serviceOfFile } from './support/child.js';
import { clientIn, collect, errorOf } from './support/client.js';

const service = serviceOfFile('streams');

const aborted = (name: string) => (detail: unknown) => Reflect.get(detail as object, 'name') === name;
const named = (name: string) => (detail: unknown) => detail === name;

describe('the handler of a stream learns that nobody reads any more:', () => {
  test('its reader breaks out of the loop', async () => {
    const client = await clientIn(service().port);
    for await (const number of client.stream<number>('endless', 'break')) if (number === 2) break;

    expect(await service().noted('aborted', aborted('break'))).toMatchObject({ code: 'CANCELLED' });
    await service().noted('returned', named('break'));
  });

  test('its reader throws', async () => {
    const client = await clientIn(service().port);
    const reading = async (): Promise<void> => {
      for await (const _ of client.stream('endless', 'throw')) throw new Error('enough');
    };
    expect(await errorOf(reading())).toMatchObject({ message: 'enough' });
    await service().noted('returned', named('throw'));
  });

  test('the subscription of send() ends', async () => {
    const client = await clientIn(service().port);
    expect(await firstValueFrom(client.send('endless', 'unsubscribe').pipe(take(1)))).toBe(0);

    expect(await service().noted('aborted', aborted('unsubscribe'))).toMatchObject({ code: 'CANCELLED' });
    await service().noted('returned', named('unsubscribe'));
  });

  test('an AbortSignal is aborted', async () => {
    const client = await clientIn(service().port);
    const controller = new AbortController();
    const reader = client.stream('endless', 'signal', { signal: controller.signal })[Symbol.asyncIterator]();
    await reader.next();
    controller.abort(new Error('no longer needed'));

    const failed = async (): Promise<void> => {
      while ((await reader.next()).done !== true);
    };
    expect(await errorOf(failed())).toMatchObject({
      code: 'CANCELLED',
      pattern: 'endless',
      cause: { message: 'no longer needed' },
    });
    await service().noted('returned', named('signal'));
  });

  test('the connection is lost', async () => {
    const client = await clientIn(service().port);
    const reader = client.stream('endless', 'lost')[Symbol.asyncIterator]();
    await reader.next();
    for (const socket of client.unwrap()) socket.destroy();

    expect(await service().noted('aborted', aborted('lost'))).toMatchObject({ code: 'UNAVAILABLE' });
    await service().noted('returned', named('lost'));
    const failed = async (): Promise<void> => {
      while ((await reader.next()).done !== true);
    };
    expect(await errorOf(failed())).toMatchObject({ code: 'UNAVAILABLE' });
  });
});

test('an Observable is unsubscribed when its caller leaves', async () => {
  const client = await clientIn(service().port);
  await firstValueFrom(client.send('ticks', 'ticking'));
  expect(await service().noted('unsubscribed', named('ticking'))).toBe('ticking');
});

test('return() is called on an iterable that is no generator', async () => {
  const client = await clientIn(service().port, { windowBytes: 65_536 });
  for await (const _ of client.stream('iterable', 1_000_000)) break;
  expect(await service().noted('returned', named('countdown'))).toBe('countdown');
});

test('a call whose signal is aborted already is not made', async () => {
  const client = await clientIn(service().port);
  const call = collect(client.stream('endless', 'never', { signal: AbortSignal.abort() }));
  expect(await errorOf(call)).toMatchObject({ code: 'CANCELLED' });
  await firstValueFrom(client.send('ping', 1));
  expect(service().takeNotes('returned')).not.toContain('never');
});

test('calls that are cancelled disturb none beside them', async () => {
  const client = await clientIn(service().port);
  const values = await Promise.all(
    Array.from({ length: 90 }, async (_, index) => {
      if (index % 3 !== 0) return firstValueFrom(client.send<number>('ping', index));
      for await (const number of client.stream<number>('endless', `beside ${index}`)) if (number === 5) break;
      return index;
    }),
  );
  expect(values).toEqual(Array.from({ length: 90 }, (_, index) => index));
  expect(client.unwrap()).toHaveLength(1);
});
