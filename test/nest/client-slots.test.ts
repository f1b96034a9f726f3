import { setImmediate } from 'node:timers/promises';

import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { firstValueFrom, Observable } from 'rxjs';
import { beforeEach, expect, test } from 'vitest';

import { clientOf, startService } from '../support/service.js';
import { acceptedBy } from './support/accepted.js';
import { answerBytes } from './support/classic.js';
import { deferred, Happenings, type Deferred } from './support/deferred.js';
import { scriptedServer } from './support/scripted-server.js';

let begun: Happenings;
let gone: Happenings;
let gates: Map<string, Deferred<string>>;
let running: number;
let most: number;
/** How many calls have to run before any goes on. */
let enough: number;
let full: Deferred<void>;

beforeEach(() => {
  begun = new Happenings();
  gone = new Happenings();
  gates = new Map();
  running = 0;
  most = 0;
  full = deferred();
});

@Controller()
class SlotsController {
  @MessagePattern('wait')
  async wait(@Payload() name: string): Promise<string> {
    const gate = deferred<string>();
    gates.set(name, gate);
    begun.add(name);
    return gate.promise;
  }

  @MessagePattern('watch')
  watch(@Payload() name: string): Observable<string> {
    return new Observable(() => {
      begun.add(name);
      return () => {
        gone.add(name);
      };
    });
  }

  @MessagePattern('count')
  async count(@Payload() name: string): Promise<string> {
    most = Math.max(most, ++running);
    if (running >= enough) full.resolve();
    await full.promise;
    await setImmediate();
    running--;
    return name;
  }

  @MessagePattern('echo')
  echo(@Payload() name: string): string {
    begun.add(name);
    return name;
  }
}

test.each([1, 3])('no more calls are under way at once than connections (%i), and all are answered', async (limit) => {
  enough = limit;
  const { port } = await startService([SlotsController]);
  const client = clientOf(port, { connections: limit });
  const names = Array.from({ length: 20 }, (_, index) => `call ${index}`);

  const answers = await Promise.all(names.map((name) => firstValueFrom(client.send<string>('count', name))));

  expect(answers).toEqual(names);
  expect(most).toBe(limit);
});

test('ten calls are under way at once where nothing is said', async () => {
  const { port } = await startService([SlotsController]);
  const client = clientOf(port);
  const names = Array.from({ length: 12 }, (_, index) => String(index));
  const answers = names.map((name) => firstValueFrom(client.send<string>('wait', name)));

  expect(await begun.count(10)).toHaveLength(10);
  gates.get('0')?.resolve('first');
  await answers[0];
  expect(await begun.count(11)).toHaveLength(11);
  for (let next = 1; next < 12; next++) {
    await begun.count(Math.min(10 + next, 12));
    gates.get(String(next))?.resolve('done');
    await answers[next];
  }
});

test('calls that wait get their turn in the order in which they were made', async () => {
  const { port } = await startService([SlotsController]);
  const client = clientOf(port, { connections: 1 });
  const names = ['a', 'b', 'c', 'd', 'e'];

  await Promise.all(names.map((name) => firstValueFrom(client.send('echo', name))));

  expect(begun.all).toEqual(names);
});

test('unsubscribing frees the slot, and the Observable of the server is unsubscribed', async () => {
  const { port } = await startService([SlotsController]);
  const client = clientOf(port, { connections: 1 });
  const call = client.send('watch', 'a').subscribe();
  await begun.count(1);
  const next = firstValueFrom(client.send('echo', 'b'));

  call.unsubscribe();

  expect(await next).toBe('b');
  expect(await gone.count(1)).toEqual(['a']);
});

test('a call that is unsubscribed while it waits is never sent', async () => {
  const { port } = await startService([SlotsController]);
  const client = clientOf(port, { connections: 1 });
  const first = firstValueFrom(client.send('wait', 'a'));
  const never = client.send('echo', 'never').subscribe();
  const last = firstValueFrom(client.send('echo', 'c'));
  await begun.count(1);

  never.unsubscribe();
  gates.get('a')?.resolve('done');

  expect([await first, await last]).toEqual(['done', 'c']);
  expect(begun.all).toEqual(['a', 'c']);
});

test('a call that is unsubscribed at once is never sent', async () => {
  const { port } = await startService([SlotsController]);
  const client = clientOf(port, { connections: 1 });

  client.send('echo', 'never').subscribe().unsubscribe();

  expect(await firstValueFrom(client.send('echo', 'b'))).toBe('b');
  expect(begun.all).toEqual(['b']);
});

test('by default one request is under way on a connection: the next goes behind its answer', async () => {
  const held = new Happenings<() => void>();
  const { port, requests, peers } = await scriptedServer((peer, { params }) => {
    held.add(() => {
      peer.send(answerBytes(params));
    });
  });
  const client = clientOf(port, { connections: 1 });
  const first = firstValueFrom(client.send('echo', 'a'));
  const second = firstValueFrom(client.send('echo', 'b'));

  const [answerFirst] = await held.count(1);
  await setImmediate();
  expect(requests.all).toHaveLength(1);
  expect(peers.all.map(({ bytes }) => bytes)).toEqual(['']);
  answerFirst?.();
  expect(await first).toBe('a');
  const [, answerSecond] = await held.count(2);
  answerSecond?.();
  expect(await second).toBe('b');
});

test('with pipelining several requests are under way on one connection', async () => {
  const { port, server } = await startService([SlotsController]);
  const accepted = acceptedBy(server);
  const client = clientOf(port, { connections: 1, pipelining: 3 });
  const names = ['a', 'b', 'c'];
  const answers = names.map((name) => firstValueFrom(client.send('wait', name)));
  const fourth = firstValueFrom(client.send('echo', 'd'));

  expect(await begun.count(3)).toEqual(names);
  for (const name of ['c', 'b', 'a']) gates.get(name)?.resolve(`${name} done`);

  expect(await Promise.all([...answers, fourth])).toEqual(['a done', 'b done', 'c done', 'd']);
  expect(accepted.all).toHaveLength(1);
});

test('with pipelining, calls one after the other share a connection', async () => {
  const { port, server } = await startService([SlotsController]);
  const accepted = acceptedBy(server);
  const client = clientOf(port, { pipelining: 2 });

  for (const name of ['a', 'b', 'c', 'd']) expect(await firstValueFrom(client.send('echo', name))).toBe(name);

  expect(accepted.all).toHaveLength(1);
});

test('with pipelining, unsubscribing one call leaves those beside it, and each its own answer', async () => {
  const { port } = await startService([SlotsController]);
  const client = clientOf(port, { connections: 1, pipelining: 2 });
  const dropped = client.send('wait', 'a').subscribe({
    next: () => begun.add('never told'),
  });
  const kept = firstValueFrom(client.send('wait', 'b'));
  await begun.count(2);

  dropped.unsubscribe();
  const next = firstValueFrom(client.send('echo', 'c'));
  gates.get('b')?.resolve('b done');
  gates.get('a')?.resolve('a done');

  expect([await kept, await next]).toEqual(['b done', 'c']);
  expect(begun.all).toEqual(['a', 'b', 'c']);
});
