import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';

import { deferred } from '../nest/support/deferred.js';
import { hello, serving, takeFrame } from './serving.js';

const limits = { handshakeTimeoutMs: 50 };

test.each([
  ['says nothing', ''],
  ['says half a hello', hello().slice(0, 9)],
])('a client that %s in time is told so and closed', async (_what, said) => {
  const { raw } = await serving(limits);
  const peer = await raw();
  if (said !== '') peer.send(said);
  expect(await takeFrame(peer)).toEqual([
    'XTCP Server: DEADLINE_EXCEEDED: no first frame within 50 ms (handshakeTimeoutMs)',
  ]);
  await peer.takeAll();
  expect(peer.ended).toBe(true);
});

test('a client whose authentication takes too long is refused, and what comes of it later counts for nothing', async () => {
  const slow = deferred<string>();
  const authenticate = (): Promise<string> => slow.promise;
  const { raw, called } = await serving({ ...limits, authenticate });
  const peer = await raw();
  peer.send(`${hello({ auth: 'x' })}3\r\nQt1\r\n4\r\necho\r\n1\r\nx\r\n\r\n`);
  const [name, version, json] = await takeFrame(peer);
  expect([name, version, JSON.parse(json ?? '')]).toMatchObject([
    'xtcp',
    '1',
    { error: { code: 'DEADLINE_EXCEEDED' } },
  ]);
  slow.resolve('late');
  expect([await peer.takeAll(), called.all]).toEqual(['', []]);
});

test('a client that has shaken hands may be silent for as long as it likes', async () => {
  const { raw } = await serving(limits);
  const peer = await raw();
  peer.send(hello());
  expect((await takeFrame(peer))[0]).toBe('xtcp');
  // A second one, which comes later and says nothing, is closed; by then the first would have been.
  const silent = await raw();
  await silent.takeAll();
  expect([peer.ended, peer.closed]).toEqual([false, false]);
});

test('a server that waits for any time waits', async () => {
  const { raw, client } = await serving({ handshakeTimeoutMs: 0 });
  const peer = await raw();
  expect(await firstValueFrom(client().send('echo', 'x'))).toBe('x');
  peer.send(hello());
  expect((await takeFrame(peer))[0]).toBe('xtcp');
});
