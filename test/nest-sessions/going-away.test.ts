import { once } from 'node:events';

import { firstValueFrom } from 'rxjs';
import { expect, test, vi } from 'vitest';

import { XtcpRecordBuilder } from '../../src/index.js';
import { serviceOfTest } from './support/child.js';
import { clientIn, collect, errorOf } from './support/client.js';

// Most tests start processes of their own.
vi.setConfig({ testTimeout: 30_000 });

test('a server that drains finishes what it has, while new calls go to its replacement on the same port', async () => {
  const old = await serviceOfTest('calls');
  const client = await clientIn(old.port);
  const running = firstValueFrom(client.send('wait', 'long'));
  const stream = client.stream('wait', 'item')[Symbol.asyncIterator]().next();
  await old.noted('running', (name) => name === 'long');
  await old.noted('running', (name) => name === 'item');
  const [before] = client.unwrap();
  const goingAway = once(before!, 'data');
  const closed = old.close();
  await goingAway;

  const replacement = await serviceOfTest('calls', { options: { port: old.port } });
  expect(replacement.port).toBe(old.port);
  const next = firstValueFrom(client.send('wait', 'new'));
  await replacement.noted('running', (name) => name === 'new');

  await old.open('long');
  await old.open('item');
  expect(await running).toBe('long');
  expect(await stream).toMatchObject({ value: 'item' });
  await closed;
  await replacement.open('new');
  expect(await next).toBe('new');
});

test('a call for which the grace period of the server is too short fails with UNAVAILABLE', async () => {
  const service = await serviceOfTest('calls', { options: { gracePeriodMs: 50 } });
  const client = await clientIn(service.port);
  const call = errorOf(firstValueFrom(client.send('until aborted', 'cut')));
  const stream = errorOf(collect(client.stream('items until silent', 'x')));
  await service.noted('running', (name) => name === 'cut');
  await service.close();

  for (const failure of [await call, await stream]) {
    expect(failure).toMatchObject({ code: 'UNAVAILABLE' });
    // They ran, and nothing may promise otherwise.
    expect(failure).not.toMatchObject({ executed: false });
  }
  expect(await service.noted('aborted')).toMatchObject({ name: 'cut', code: 'UNAVAILABLE' });
});

test('a service that is idle closes at once, whoever is connected', async () => {
  const service = await serviceOfTest('calls');
  const client = await clientIn(service.port);
  await firstValueFrom(client.send('deadline', 'x'));
  const [socket] = client.unwrap();
  await Promise.all([once(socket!, 'close'), service.close()]);
  // It waits for the service to be there again, for as long as it may.
  const call = new XtcpRecordBuilder('x').setTimeout(100).build();
  expect(await errorOf(firstValueFrom(client.send('deadline', call)))).toMatchObject({
    code: 'UNAVAILABLE',
    executed: false,
  });
});

test('a client that closes lets its calls finish', async () => {
  const service = await serviceOfTest('calls');
  const client = await clientIn(service.port, { gracePeriodMs: 60_000 });
  const call = firstValueFrom(client.send('wait', 'finish'));
  await service.noted('running');
  const closed = client.close();
  await service.open('finish');
  expect(await call).toBe('finish');
  await closed;
  expect(() => client.unwrap()).toThrow('Not initialized');
});

test('a client that closes fails the calls that outlast the grace period, and their handlers learn of it', async () => {
  const service = await serviceOfTest('calls');
  const client = await clientIn(service.port, { gracePeriodMs: 50 });
  const call = errorOf(firstValueFrom(client.send('until aborted', 'outlasts')));
  await service.noted('running');
  await client.close();
  expect(await call).toMatchObject({ code: 'CANCELLED', pattern: 'until aborted' });
  await service.noted('aborted');
});

test('a process that dies takes its calls with it: UNAVAILABLE', async () => {
  const service = await serviceOfTest('calls');
  const client = await clientIn(service.port);
  const call = errorOf(firstValueFrom(client.send('until aborted', 'killed')));
  await service.noted('running');
  await service.kill();
  expect(await call).toMatchObject({ code: 'UNAVAILABLE', pattern: 'until aborted' });
});
