import { once } from 'node:events';

import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';

import { serviceOfFile } from './support/child.js';
import { clientIn, collect, errorOf } from './support/client.js';

const service = serviceOfFile('calls');
const impatient = serviceOfFile('calls', { options: { keepAliveIntervalMs: 100, keepAliveTimeoutMs: 100 } });
/** A service that is itself the client of another one. */
const relaying = serviceOfFile('relay');

test('a server that has gone silent is dropped, and its calls fail with UNAVAILABLE', async () => {
  const client = await clientIn(service().port, { keepAliveIntervalMs: 100, keepAliveTimeoutMs: 100 });
  const call = errorOf(firstValueFrom(client.send('wait', 'silent')));
  const stream = errorOf(collect(client.stream('items until silent', 'x')));
  await service().noted('running', (name) => name === 'silent');
  const [socket] = client.unwrap();
  service().suspend();

  expect(await call).toMatchObject({ name: 'XtcpError', code: 'UNAVAILABLE', pattern: 'wait' });
  expect(await stream).toMatchObject({ code: 'UNAVAILABLE', pattern: 'items until silent' });
  expect(socket?.destroyed).toBe(true);

  service().resume();
  expect(await firstValueFrom(client.send('deadline', 'x'))).toEqual(expect.anything());
});

test('a connection that is only quiet stays, pings being answered', async () => {
  const client = await clientIn(service().port, { keepAliveIntervalMs: 20, keepAliveTimeoutMs: 2000 });
  const answer = firstValueFrom(client.send('wait', 'quiet'));
  await service().noted('running', (name) => name === 'quiet');
  const [socket] = client.unwrap();
  const pongs = 3;
  for (let pong = 0; pong < pongs; pong++) await once(socket!, 'data');
  await service().open('quiet');
  expect(await answer).toBe('quiet');
  expect(client.unwrap()[0]).toBe(socket);
});

test('a server drops a client that has gone silent, and its handlers learn of it', async () => {
  const client = await clientIn(relaying().port, { gracePeriodMs: 0 });
  const relayed = errorOf(collect(client.stream('hold', impatient().port)));
  await impatient().noted('running', (name) => name === 'held');
  relaying().suspend();

  expect(await impatient().noted('aborted')).toMatchObject({ name: 'held', code: 'UNAVAILABLE' });
  await relaying().kill();
  expect(await relayed).toMatchObject({ code: 'UNAVAILABLE' });
});
