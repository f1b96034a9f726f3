import { once } from 'node:events';

import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';

import { requestBytes, takeAnswer } from '../nest/support/classic.js';
import { hello, serving, takeFrame } from './serving.js';

const limits = { idleTimeoutMs: 50 };

test('a session without calls is asked to leave, and closed where it stays', async () => {
  const { raw } = await serving(limits);
  const peer = await raw();
  peer.send(hello());
  await takeFrame(peer);
  const reason = 'the connection carried no call for 50 ms';
  expect(await takeFrame(peer)).toEqual(['G', JSON.stringify({ code: 'CANCELLED', reason })]);
  expect(await takeFrame(peer)).toEqual(['G', JSON.stringify({ code: 'CANCELLED', reason, last: 0 })]);
  expect(await peer.takeAll()).toBe('');
});

test('a client leaves when it is asked to, and comes back for its next call', async () => {
  const { client } = await serving(limits);
  const one = client();
  expect(await firstValueFrom(one.send('echo', 1))).toBe(1);
  await once(one.unwrap()[0]!, 'close');
  expect(() => one.unwrap()).toThrow('Not initialized');
  expect(await firstValueFrom(one.send('echo', 2))).toBe(2);
});

test('a classic connection without requests is closed', async () => {
  const { raw } = await serving(limits);
  const peer = await raw();
  peer.send(requestBytes('echo', 'x'));
  expect(await takeAnswer(peer)).toBe('x');
  expect(await peer.takeAll()).toBe('');
});

test('one on which a call runs is left open, in either protocol', async () => {
  const { raw, client, called, open } = await serving(limits);
  const [session, classic] = [client(), client({ protocol: 'classic' })];
  const calls = [session, classic].map((one) => firstValueFrom(one.send('wait', 'x')));
  await called.count(2);
  const idle = await raw();
  idle.send(hello());
  await idle.takeAll();
  open();
  expect(await Promise.all(calls)).toEqual(['x', 'x']);
});
