import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';

import { XtcpRecordBuilder } from '../../src/index.js';
import { serviceOfFile } from './support/child.js';
import { clientIn, collect, errorOf } from './support/client.js';

const service = serviceOfFile('calls');

const named = (name: string) => (detail: unknown) => detail === name || Reflect.get(detail as object, 'name') === name;
const timed = (data: unknown, timeoutMs: number) => new XtcpRecordBuilder(data).setTimeout(timeoutMs).build();

test('the handler sees what is left of the time that the call says', async () => {
  const client = await clientIn(service().port);
  const { deadline } = await firstValueFrom(client.send<{ deadline: number }>('deadline', timed('x', 60_000)));
  expect(deadline).toBeGreaterThan(50_000);
  expect(deadline).toBeLessThanOrEqual(60_000);
});

test('the time of the client counts where the call says none', async () => {
  const client = await clientIn(service().port, { timeoutMs: 40_000 });
  const [first] = await collect(client.stream<{ deadline: number }>('deadline', 'x'));
  expect(first?.deadline).toBeGreaterThan(30_000);
  expect(first?.deadline).toBeLessThanOrEqual(40_000);
  const own = await firstValueFrom(client.send<{ deadline: number }>('deadline', timed('x', 20_000)));
  expect(own.deadline).toBeLessThanOrEqual(20_000);
});

test('a stream has no deadline where nobody says one', async () => {
  const client = await clientIn(service().port);
  expect(await collect(client.stream('deadline', 'x'))).toEqual([{}]);
});

test("when the time is up the caller is told, and the handler's signal is aborted", async () => {
  const client = await clientIn(service().port);
  const failure = await errorOf(firstValueFrom(client.send('until aborted', timed('timed', 50))));
  expect(failure).toMatchObject({ name: 'XtcpError', code: 'DEADLINE_EXCEEDED', pattern: 'until aborted' });
  const { code } = (await service().noted('aborted', named('timed'))) as { code: string };
  // Whichever clock was first: the server's own, or the caller's, which cancels.
  expect(['DEADLINE_EXCEEDED', 'CANCELLED']).toContain(code);
});

test('a stream may have a deadline', async () => {
  const client = await clientIn(service().port);
  const items: number[] = [];
  const read = async (): Promise<void> => {
    for await (const item of client.stream<number>('items until silent', 'x', { timeoutMs: 200 })) items.push(item);
  };
  expect(await errorOf(read())).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect(items).toEqual([1]);
});

test('a call without time left is not made', async () => {
  const client = await clientIn(service().port);
  const failure = await errorOf(firstValueFrom(client.send('until aborted', timed('never', 0))));
  expect(failure).toMatchObject({ code: 'DEADLINE_EXCEEDED', executed: false });
  await firstValueFrom(client.send('deadline', 'x'));
  expect(service().takeNotes('running')).not.toContain('never');
});

test('DEADLINE_EXCEEDED comes even from a server that has gone silent', async () => {
  const client = await clientIn(service().port, { gracePeriodMs: 0 });
  await firstValueFrom(client.send('deadline', 'x'));
  service().suspend();
  const calls = [
    errorOf(firstValueFrom(client.send('deadline', timed('x', 100)))),
    errorOf(collect(client.stream('deadline', 'x', { timeoutMs: 100 }))),
    errorOf(firstValueFrom(client.emit('wait', timed('x', 100)))),
  ];
  for (const failure of await Promise.all(calls)) expect(failure).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
});
