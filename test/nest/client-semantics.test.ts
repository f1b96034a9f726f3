import { Controller } from '@nestjs/common';
import { ClientTCP, EventPattern, MessagePattern, Payload, type ReadPacket } from '@nestjs/microservices';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { beforeEach, expect, test } from 'vitest';

import { clientOf, startService } from '../support/service.js';
import { Happenings } from './support/deferred.js';
import { failureOf, xtcpFailureOf } from './support/failures.js';
import { unusedPort } from './support/addresses.js';

let got: Happenings<unknown>;

beforeEach(() => {
  got = new Happenings();
});

@Controller()
class NotingController {
  @MessagePattern('call')
  call(@Payload() data: unknown): unknown {
    got.add(data);
    return data;
  }

  @EventPattern('event')
  event(@Payload() data: unknown): void {
    got.add(data);
  }

  @EventPattern('event')
  failing(@Payload() _data: unknown): void {
    throw new Error('an event handler fails');
  }
}

test('send is cold: nothing is called before it is subscribed, and each subscription is a call', async () => {
  const { port } = await startService([NotingController]);
  const client = clientOf(port, { connections: 1 });

  client.send('call', 'never subscribed');
  const call = client.send('call', 'subscribed');
  expect(await firstValueFrom(call)).toBe('subscribed');
  expect(got.all).toEqual(['subscribed']);

  expect(await firstValueFrom(call)).toBe('subscribed');
  expect(got.all).toEqual(['subscribed', 'subscribed']);
});

test('send yields one value and completes', async () => {
  const { port } = await startService([NotingController]);

  expect(await lastValueFrom(clientOf(port).send('call', 'a').pipe(toArray()))).toEqual(['a']);
  expect(await lastValueFrom(clientOf(port).send('call', '').pipe(toArray()))).toEqual(['']);
});

test('emit is hot: the event is sent though nobody subscribes, and once however many do', async () => {
  const { port } = await startService([NotingController]);
  const client = clientOf(port, { connections: 1 });

  client.emit('event', 'nobody');
  expect(await got.count(1)).toEqual(['nobody']);

  const event = client.emit('event', 'two');
  await Promise.all([lastValueFrom(event), lastValueFrom(event)]);
  await lastValueFrom(client.emit('event', 'next'));
  expect(got.all).toEqual(['nobody', 'two', 'next']);
});

test('emit yields one undefined and completes, whatever the handlers return', async () => {
  const { port } = await startService([NotingController]);
  const client = clientOf(port);

  expect(await lastValueFrom(client.emit('event', 'x').pipe(toArray()))).toEqual([undefined]);
  expect(await lastValueFrom(client.emit('call', 'x').pipe(toArray()))).toEqual([undefined]);
});

test('emit fails for those who subscribe, and quietly where nobody does', async () => {
  const port = await unusedPort();
  const client = clientOf(port);

  client.emit('event', 'nobody');
  const error = await xtcpFailureOf(client.emit('event', 'somebody'));

  expect(error).toMatchObject({ code: 'UNAVAILABLE', pattern: 'event', executed: false });
});

test.each([
  ['a null pattern', null, 'data'],
  ['an undefined pattern', undefined, 'data'],
  ['null data', 'call', null],
  ['undefined data', 'call', undefined],
])('%s is refused with InvalidMessageException, by send and by emit', async (_what, pattern, data) => {
  const { port } = await startService([NotingController]);
  const client = clientOf(port);
  // Nest exports the class no further than its own clients throw it.
  const nests = (await failureOf(new ClientTCP({}).send(pattern, data))) as Error;

  expect(nests.constructor.name).toBe('InvalidMessageException');
  for (const error of [await failureOf(client.send(pattern, data)), await failureOf(client.emit(pattern, data))]) {
    expect(error).toEqual(nests);
    expect((error as Error).constructor).toBe(nests.constructor);
  }
  expect(() => client.unwrap()).toThrow('Not initialized');
});

test.each([
  ['a boolean', true],
  ['a symbol', Symbol('call')],
  ['a function', () => 'call'],
  ['an object with a symbol in it', { cmd: Symbol('call') }],
])('a pattern that is %s is refused, typed, and no byte of it is sent', async (_what, pattern) => {
  const { port } = await startService([NotingController]);
  const client = clientOf(port, { requestTimeoutMs: 200 });

  expect((await xtcpFailureOf(client.send(pattern, 'data'))).code).toBe('INVALID_ARGUMENT');
  expect((await xtcpFailureOf(client.emit(pattern, 'data'))).code).toBe('INVALID_ARGUMENT');
  expect(() => client.unwrap()).toThrow('Not initialized');
});

test('data is sent as it is where it is text or octets, as JSON otherwise', async () => {
  const { port } = await startService([NotingController]);
  const client = clientOf(port);

  for (const data of ['text', Buffer.from('octets'), new Uint8Array([65, 66]), { a: [1] }, 0, false, '']) {
    await lastValueFrom(client.send('call', data));
  }

  expect(got.all).toEqual(['text', 'octets', 'AB', '{"a":[1]}', '0', 'false', '']);
});

test('data that cannot be sent fails typed, before anything is dialled', async () => {
  const client = clientOf(await unusedPort());
  const cycle: { self?: object } = {};
  cycle.self = cycle;

  for (const data of [1n, { secret: 1n }, cycle, () => 'secret', 'secret \ud800']) {
    const error = await xtcpFailureOf(client.send('call', data));
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', pattern: 'call' });
    expect(error.message).not.toContain('secret');
    expect((await xtcpFailureOf(client.emit('call', data))).code).toBe('INVALID_ARGUMENT');
  }
});

test('the dispatch hook runs once for each packet, of calls and of events', async () => {
  const { port } = await startService([NotingController]);
  const client = clientOf(port);
  const packets: ReadPacket[] = [];
  client.setOnDispatchHook((packet) => packets.push(packet));

  const call = client.send({ cmd: 'nothing' }, 'never subscribed');
  expect(packets).toEqual([]);
  await failureOf(call);
  await lastValueFrom(client.send('call', 'a'));
  const event = client.emit('event', { b: 1 });
  await Promise.all([lastValueFrom(event), lastValueFrom(event)]);

  expect(packets).toEqual([
    { pattern: { cmd: 'nothing' }, data: 'never subscribed' },
    { pattern: 'call', data: 'a' },
    { pattern: 'event', data: { b: 1 } },
  ]);
});

test('the dispatch hook runs once for a packet that could not be delivered, too', async () => {
  const client = clientOf(await unusedPort());
  let runs = 0;
  client.setOnDispatchHook(() => runs++);

  await xtcpFailureOf(client.send('call', 'a'));
  await xtcpFailureOf(client.emit('event', 'a'));

  expect(runs).toBe(2);
});

test('where the dispatch hook throws, the call fails with its error and is not sent', async () => {
  const { port } = await startService([NotingController]);
  const client = clientOf(port);
  const thrown = new Error('from the hook');
  client.setOnDispatchHook(() => {
    throw thrown;
  });

  expect(await failureOf(client.send('call', 'a'))).toBe(thrown);
  expect(await failureOf(client.emit('event', 'a'))).toBe(thrown);
  client.setOnDispatchHook(() => {});
  expect(await lastValueFrom(client.send('call', 'b'))).toBe('b');
  expect(got.all).toEqual(['b']);
});
