import { firstValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { serviceOfFile } from './support/child.js';
import { all, clientIn, collect, tcpClientIn } from './support/client.js';
import { outcomeOf } from './support/outcome.js';
import { wrapping, type Packet } from './support/service/wrapping.js';

const tcp = serviceOfFile('serializers', { transport: 'tcp' });
const sync = serviceOfFile('serializers');
const promised = serviceOfFile('promised-serializers');

const isEvent = (packet: Packet): boolean => packet['pattern'] === 'event';

const ITEMS = [1, 2, 3, 4, 5].map((value) => ({ seen: 'server', value }));

describe.each([
  ['sync', sync],
  ['promised', promised],
] as const)('serializers whose results are %s', (how, service) => {
  test('change what goes and what comes, on both sides', async () => {
    const client = await clientIn(service().port, wrapping(how, 'client'));
    const echo = { seen: 'server', value: { seen: 'client', value: 'text' } };
    expect(await firstValueFrom(client.send('echo', 'text'))).toEqual(echo);
    expect(await firstValueFrom(client.send({ cmd: 'echo' }, 'text'))).toEqual(echo);
    expect(await collect(client.stream('echo', 'text'))).toEqual([echo]);
  });

  test('keep the order of items', async () => {
    const client = await clientIn(service().port, wrapping(how, 'client'));
    for (const pattern of ['many', 'generator']) {
      expect(await all(client.send(pattern, 'x'))).toEqual(ITEMS);
      expect(await collect(client.stream(pattern, 'x'))).toEqual(ITEMS);
    }
  });

  test('keep the order of calls', async () => {
    const client = await clientIn(service().port, wrapping(how, 'client'));
    const numbers = Array.from({ length: 30 }, (_, index) => index);
    await Promise.all(numbers.map((number) => outcomeOf(client.send('order', number))));
    // Notes come by another way than answers; the last call's is the last.
    const last = await service().noted('called', (note) => (note as { value: number }).value === 29);
    const called = [...service().takeNotes('called'), last] as { value: number }[];
    expect(called.map(({ value }) => value)).toEqual(numbers);
  });

  test('change events', async () => {
    const client = await clientIn(service().port, wrapping(how, 'client'));
    await outcomeOf(client.emit('event', 'text'));
    expect(await service().noted('event')).toEqual({ seen: 'client', value: 'text' });
  });
});

test('the same serializers give the same as over TCP', async () => {
  const nest = await tcpClientIn(tcp().port, wrapping('sync', 'client'));
  const here = await clientIn(sync().port, wrapping('sync', 'client'));
  for (const [pattern, data] of [
    ['echo', { a: [1] }],
    ['many', 'x'],
    [{ cmd: 'echo' }, 'x'],
  ] as const) {
    expect(await outcomeOf(here.send(pattern, data))).toEqual(await outcomeOf(nest.send(pattern, data)));
  }
});

test('the client exchanges the packets of the built-in transports', async () => {
  const seen: Record<'nest' | 'here', Packet[]> = { nest: [], here: [] };
  const nest = await tcpClientIn(
    tcp().port,
    wrapping('sync', 'client', (packet) => seen.nest.push(packet)),
  );
  const here = await clientIn(
    sync().port,
    wrapping('sync', 'client', (packet) => seen.here.push(packet)),
  );
  for (const client of [nest, here]) {
    await firstValueFrom(client.send({ cmd: 'echo' }, 'x'));
    await outcomeOf(client.emit('event', 'x'));
  }
  const [nestRequest] = seen.nest;
  const [request] = seen.here;
  expect(Object.keys(request!).toSorted()).toEqual(Object.keys(nestRequest!).toSorted());
  expect({ ...request, id: '' }).toEqual({ ...nestRequest, id: '' });
  expect(seen.here.find(isEvent)).toEqual(seen.nest.find(isEvent));
});
