import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';

import { clientOf } from '../support/service.js';
import { answerBytes } from './support/classic.js';
import { Happenings } from './support/deferred.js';
import { scriptedServer, type ScriptedServer } from './support/scripted-server.js';

/** Closes behind each answer, as an xtcp 0.2 server does; in `late` a few turns of the event loop behind it. */
function oldServer(when: 'at once' | 'late'): Promise<ScriptedServer> {
  return scriptedServer((peer, { params }) => {
    if (when === 'at once') {
      peer.socket.end(answerBytes(params.toUpperCase()));
    } else {
      peer.send(answerBytes(params.toUpperCase()));
      setTimeout(() => peer.socket.end(), 5);
    }
  });
}

test.each(['at once', 'late'] as const)(
  'a server that closes behind each answer (%s) costs no call and no error',
  async (when) => {
    const { port, requests } = await oldServer(when);
    const client = clientOf(port);
    const errors = new Happenings<unknown>();
    client.on('error', (error) => {
      errors.add(error);
    });
    const names = Array.from({ length: 15 }, (_, index) => `call ${index}`);

    for (const name of names) expect(await firstValueFrom(client.send('upper', name))).toBe(name.toUpperCase());

    expect(errors.all).toEqual([]);
    expect(requests.all).toHaveLength(names.length);
    // No connection that such a server closes was ever used again.
    expect(new Set(requests.all.map(({ connection }) => connection)).size).toBe(names.length);
  },
);

test.each(['at once', 'late'] as const)(
  'many calls at once to a server that closes behind each answer (%s) are all answered, within the limit',
  async (when) => {
    const { port, requests, peers } = await oldServer(when);
    const client = clientOf(port, { connections: 3 });
    const names = Array.from({ length: 20 }, (_, index) => `call ${index}`);

    const answers = await Promise.all(names.map((name) => firstValueFrom(client.send('upper', name))));

    expect(answers).toEqual(names.map((name) => name.toUpperCase()));
    expect(requests.all.map(({ params }) => params).toSorted()).toEqual(names.toSorted());
    expect(peers.all.length).toBeGreaterThanOrEqual(names.length);
  },
);

test('the status stays connected while a server closes behind each answer', async () => {
  const { port } = await oldServer('at once');
  const client = clientOf(port);
  const seen: string[] = [];
  client.status.subscribe((status) => seen.push(status));

  for (const name of ['a', 'b', 'c']) await firstValueFrom(client.send('upper', name));

  expect(seen).toEqual(['connected']);
});

test('a server that keeps connections open is called on one that it has answered on twice', async () => {
  const { port, requests } = await scriptedServer((peer, { params }) => {
    peer.send(answerBytes(params));
  });
  const client = clientOf(port, { pipelining: 2 });

  for (const name of ['a', 'b', 'c']) expect(await firstValueFrom(client.send('echo', name))).toBe(name);

  expect(requests.all.map(({ connection }) => connection)).toEqual([1, 1, 1]);
});

test('a connection that the server closed while it was idle is replaced without an error', async () => {
  const { port, requests, peers } = await scriptedServer((peer, { params }) => {
    peer.send(answerBytes(params));
  });
  const client = clientOf(port, { pipelining: 2 });
  const closed = new Happenings();
  client.on('close', () => {
    closed.add('close');
  });
  for (const name of ['a', 'b']) await firstValueFrom(client.send('echo', name));

  peers.all[0]?.socket.end();
  await closed.count(1);

  expect(await firstValueFrom(client.send('echo', 'c'))).toBe('c');
  expect(requests.all.map(({ connection }) => connection)).toEqual([1, 1, 2]);
});
