import { Logger, type LoggerService } from '@nestjs/common';
import { firstValueFrom } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';

import { XtcpRecordBuilder } from '../../src/index.js';
import { serviceOfFile } from './support/child.js';
import { clientIn, errorOf } from './support/client.js';
import { outcomeOf } from './support/outcome.js';
import { Deferred } from './support/service/deferred.js';

const service = serviceOfFile('errors');

describe('emit() completes', () => {
  test('when the event was handed to its handlers, while they still run', async () => {
    const client = await clientIn(service().port);
    expect(await outcomeOf(client.emit('slow event', 'received'))).toEqual({ values: [undefined], completed: true });
    await service().noted('event started', (name) => name === 'received');
    expect(service().takeNotes('event ended')).not.toContain('received');
    await service().open('received');
    await service().noted('event ended', (name) => name === 'received');
  });

  test('when it was handled, where the client says so', async () => {
    const client = await clientIn(service().port, { ack: 'handled' });
    let completed = false;
    const emitted = outcomeOf(client.emit('slow event', 'handled')).then((outcome) => {
      completed = true;
      return outcome;
    });
    await service().noted('event started', (name) => name === 'handled');
    expect(await firstValueFrom(client.send('ping', 'x'))).toBe('pong');
    expect(completed).toBe(false);
    await service().open('handled');
    expect(await emitted).toEqual({ values: [undefined], completed: true });
    await service().noted('event ended', (name) => name === 'handled');
  });

  test('when it was written, where the event says so', async () => {
    const client = await clientIn(service().port);
    const record = new XtcpRecordBuilder('none').setAck('none').build();
    expect(await outcomeOf(client.emit('slow event', record))).toEqual({ values: [undefined], completed: true });
    await service().noted('event started', (name) => name === 'none');
    await service().open('none');
    // And an event that nobody handles, or whose handler fails, is nobody's concern.
    for (const pattern of ['no such event', 'event that fails']) {
      expect(await outcomeOf(client.emit(pattern, record))).toEqual({ values: [undefined], completed: true });
    }
    expect(await firstValueFrom(client.send('ping', 'x'))).toBe('pong');
  });
});

test.each(['received', 'handled'] as const)('an event nobody handles is UNIMPLEMENTED: %s', async (ack) => {
  const client = await clientIn(service().port, { ack });
  const failure = await errorOf(firstValueFrom(client.emit('no such event', 'x')));
  expect(failure).toMatchObject({ name: 'XtcpError', code: 'UNIMPLEMENTED', executed: false });
});

test('an event whose handler fails has failed for whoever waits for its handlers', async () => {
  const client = await clientIn(service().port);
  const record = new XtcpRecordBuilder('x').setAck('handled').build();
  const failure = await errorOf(firstValueFrom(client.emit('event that fails', record)));
  expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
  expect(await outcomeOf(client.emit('event that fails', 'x'))).toEqual({ values: [undefined], completed: true });
});

test('an event is emitted without anybody who subscribes, and once for any number of them', async () => {
  const client = await clientIn(service().port);
  client.emit('event', 'x');
  await service().noted('event handled');
  const emitted = client.emit('event', 'x');
  await Promise.all([outcomeOf(emitted), outcomeOf(emitted)]);
  await service().noted('event handled');
  expect(await firstValueFrom(client.send('ping', 'x'))).toBe('pong');
  expect(service().takeNotes('event handled')).toEqual([]);
});

test('events that fail while nobody has subscribed are logged once, and counted', async () => {
  const lines: string[] = [];
  const first = new Deferred();
  const logger: LoggerService = {
    log: () => {},
    warn: () => {},
    error: (message: unknown) => {
      lines.push(String(message));
      first.resolve();
    },
  };
  const client = await clientIn(service().port);
  Logger.overrideLogger(logger);
  onTestFinished(() => {
    Logger.overrideLogger(false);
  });
  for (let event = 0; event < 50; event++) client.emit('no such event', 'secret');
  await first.promise;
  // What comes behind them on the same connection is answered behind them.
  await firstValueFrom(client.send('ping', 'x'));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^An event was lost: .*"no such event"/);
  expect(lines[0]).not.toContain('secret');
});

test('a failure that somebody subscribed to is not logged', async () => {
  const lines: unknown[] = [];
  const client = await clientIn(service().port);
  Logger.overrideLogger({ log: () => {}, warn: () => {}, error: (message: unknown) => lines.push(message) });
  onTestFinished(() => {
    Logger.overrideLogger(false);
  });
  await errorOf(firstValueFrom(client.emit('no such event', 'x')));
  await firstValueFrom(client.send('ping', 'x'));
  expect(lines).toEqual([]);
});
