import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { XtcpException, XtcpRecordBuilder } from '../../src/index.js';
import { xtcpFailureOf } from '../nest/support/failures.js';
import { unusedPort } from '../nest/support/addresses.js';
import { serving } from '../server/serving.js';
import { clientOf, startService } from '../support/service.js';
import { metricsOf, scrape } from './scrape.js';

const ECHO = { pattern: 'echo', kind: 'call', code: 'OK' };

@Controller()
class FaultyController {
  private calls = 0;

  @MessagePattern('deny')
  deny(): never {
    throw new XtcpException('PERMISSION_DENIED', 'not you');
  }

  @MessagePattern('flaky')
  flaky(): string {
    if (++this.calls === 1) throw new XtcpException('UNAVAILABLE', 'not yet');
    return 'now';
  }

  @MessagePattern({ cmd: 'add', version: 2 })
  add(): number {
    return 2;
  }

  @MessagePattern('count')
  async *count(): AsyncGenerator<string> {
    yield* ['one', 'two', 'three'];
  }

  @EventPattern('note')
  note(@Payload() _data: unknown): void {}
}

describe('of the calls of both sides', () => {
  test('the durations are kept by pattern, kind and code, in seconds', async () => {
    const { register } = metricsOf();
    const { port } = await startService([FaultyController]);
    const client = clientOf(port, { protocol: 'session' });
    await xtcpFailureOf(client.send('deny', 'x'));
    await firstValueFrom(client.send({ cmd: 'add', version: 2 }, 'x'));
    await firstValueFrom(client.emit('note', new XtcpRecordBuilder('x').setAck('handled').build()), {
      defaultValue: undefined,
    });
    const { value, families } = await scrape(register);
    for (const side of ['client', 'server']) {
      const name = `xtcp_${side}_call_duration_seconds`;
      expect(families.find((family) => family.name === name)?.type).toBe('HISTOGRAM');
      expect(value(`${name}_count`, { pattern: 'deny', kind: 'call', code: 'PERMISSION_DENIED' })).toBe(1);
      // As the text format escapes it.
      const pattern = String.raw`{\"cmd\":\"add\",\"version\":2}`;
      expect(value(`${name}_count`, { pattern, kind: 'call', code: 'OK' })).toBe(1);
      const note = { pattern: 'note', kind: 'event', code: 'OK' };
      expect(value(`${name}_count`, note)).toBe(1);
      const seconds = value(`${name}_sum`, note);
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThan(60);
      expect(value(`${name}_bucket`, { le: '+Inf', ...note })).toBe(1);
      const bounds = [...new Set(Array.from((await register.metrics()).matchAll(/le="([^"]+)"/g), ([, le]) => le))];
      expect([bounds[0], bounds.at(-2), bounds.at(-1)]).toEqual(['0.0001', '10', '+Inf']);
    }
  });

  test('those under way are counted, and are none behind their end', async () => {
    const { register } = metricsOf();
    const { client, called, open } = await serving();
    const calls = [1, 2, 3].map(() => firstValueFrom(client().send('wait', 'x')));
    await called.count(3);
    for (const side of ['client', 'server']) {
      const { value } = await scrape(register);
      expect(value(`xtcp_${side}_calls_in_flight`, { pattern: 'wait' })).toBe(3);
    }
    open();
    await Promise.all(calls);
    for (const side of ['client', 'server']) {
      const { value } = await scrape(register);
      expect(value(`xtcp_${side}_calls_in_flight`, { pattern: 'wait' })).toBe(0);
    }
  });

  test('the bytes of their payloads are added up', async () => {
    const { register } = metricsOf();
    const { port } = await startService([FaultyController]);
    const client = clientOf(port, { protocol: 'session' });
    await lastValueFrom(client.send('count', Buffer.alloc(1000)));
    await lastValueFrom(client.send('count', Buffer.alloc(500)));
    const { value } = await scrape(register);
    const pattern = 'count';
    expect(value('xtcp_client_sent_bytes_total', { pattern })).toBe(1500);
    expect(value('xtcp_server_received_bytes_total', { pattern })).toBe(1500);
    expect(value('xtcp_server_sent_bytes_total', { pattern })).toBe(22);
    expect(value('xtcp_client_received_bytes_total', { pattern })).toBe(22);
  });

  test('those that had started before anybody counted are left out', async () => {
    const { client, called, open } = await serving();
    const caller = client();
    const early = firstValueFrom(caller.send('wait', 'x'));
    await called.count(1);
    const { register } = metricsOf();
    open();
    await early;
    await firstValueFrom(caller.send('wait', 'y'));
    const { value } = await scrape(register);
    for (const side of ['client', 'server']) {
      expect(value(`xtcp_${side}_calls_in_flight`, { pattern: 'wait' })).toBe(0);
      const labels = { pattern: 'wait', kind: 'call', code: 'OK' };
      expect(value(`xtcp_${side}_call_duration_seconds_count`, labels)).toBe(1);
    }
  });

  test('classic ones count too', async () => {
    const { register } = metricsOf();
    const { client } = await serving();
    await firstValueFrom(client({ protocol: 'classic' }).send('echo', 'x'));
    const { value } = await scrape(register);
    expect(value('xtcp_client_call_duration_seconds_count', ECHO)).toBe(1);
    expect(value('xtcp_server_call_duration_seconds_count', ECHO)).toBe(1);
  });
});

test('calls that are made again are counted', async () => {
  const { register } = metricsOf();
  const { port } = await startService([FaultyController]);
  const client = clientOf(port, { protocol: 'session' });
  const record = new XtcpRecordBuilder('x').setIdempotent().build();
  expect(await firstValueFrom(client.send('flaky', record))).toBe('now');
  const { value } = await scrape(register);
  expect(value('xtcp_client_retries_total', { pattern: 'flaky' })).toBe(1);
  // One call to its caller, two to the server.
  const flaky = { pattern: 'flaky', kind: 'call' };
  expect(value('xtcp_client_call_duration_seconds_count', { ...flaky, code: 'OK' })).toBe(1);
  expect(value('xtcp_server_call_duration_seconds_count', { ...flaky, code: 'OK' })).toBe(1);
  expect(value('xtcp_server_call_duration_seconds_count', { ...flaky, code: 'UNAVAILABLE' })).toBe(1);
});

describe('calls that a server refuses are counted by code', () => {
  test('for a pattern without a handler, which never becomes a label', async () => {
    const { register } = metricsOf();
    const { port, client } = await serving();
    await xtcpFailureOf(client().send('unheard of', 'x'));
    await xtcpFailureOf(clientOf(port).send('unheard of', 'x'));
    const { value, text } = await scrape(register);
    expect(value('xtcp_server_refused_calls_total', { code: 'UNIMPLEMENTED' })).toBe(2);
    expect(text.split('\n').filter((line) => /^xtcp_server.*unheard/.test(line))).toEqual([]);
  });

  test('over maxServerCalls', async () => {
    const { register } = metricsOf();
    const { client, called, open } = await serving({ maxServerCalls: 1 });
    const caller = client({ retries: 0 });
    const first = firstValueFrom(caller.send('wait', 'x'));
    await called.count(1);
    expect(await xtcpFailureOf(caller.send('wait', 'y'))).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    open();
    await first;
    const { value } = await scrape(register);
    expect(value('xtcp_server_refused_calls_total', { code: 'RESOURCE_EXHAUSTED' })).toBe(1);
  });
});

test('a client that makes up patterns gets no more than 1000 of them for labels, the rest being "other"', async () => {
  const { register } = metricsOf();
  const { client } = await serving();
  const caller = client();
  await firstValueFrom(caller.send('echo', 'x'));
  const PATTERNS = 1100;
  await Promise.all(Array.from({ length: PATTERNS }, (_, index) => xtcpFailureOf(caller.send(`user ${index}`, 'x'))));
  await firstValueFrom(caller.send('echo', 'y'));
  const { value, text } = await scrape(register);
  const labels = new Set(
    Array.from(text.matchAll(/^xtcp_client_calls_in_flight\{pattern="([^"]+)"/gm), ([, label]) => label),
  );
  expect(labels.size).toBe(1001);
  const other = { pattern: 'other', kind: 'call', code: 'UNIMPLEMENTED' };
  expect(value('xtcp_client_call_duration_seconds_count', other)).toBe(PATTERNS - 999);
  expect(value('xtcp_client_call_duration_seconds_count', ECHO)).toBe(2);
});

test('calls that find nobody count as failed, and their connections as lost', async () => {
  const { register } = metricsOf();
  const client = clientOf(await unusedPort(), { protocol: 'session' });
  await xtcpFailureOf(client.send('echo', 'x'));
  const { value } = await scrape(register);
  expect(value('xtcp_client_call_duration_seconds_count', { ...ECHO, code: 'UNAVAILABLE' })).toBe(1);
  expect(value('xtcp_client_connections_lost_total', { code: 'UNAVAILABLE' })).toBe(1);
  expect(value('xtcp_client_connections')).toBe(0);
});
