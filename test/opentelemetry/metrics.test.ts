import type { Attributes } from '@opentelemetry/api';
import { lastValueFrom } from 'rxjs';
import { expect, it } from 'vitest';

import { Behaviours } from '../observe/controller.js';
import { clientOf, startService } from '../support/service.js';
import { Sdk } from './sdk.js';

async function serving() {
  const sdk = new Sdk();
  const { port } = await startService([Behaviours]);
  return { sdk, port, client: clientOf(port, { protocol: 'session' }) };
}

function all(): boolean {
  return true;
}

function never(attributes: Attributes): boolean {
  return attributes['rpc.method'] === 'never';
}

function upper(direction: string): (attributes: Attributes) => boolean {
  return (attributes) => attributes['rpc.method'] === 'upper' && attributes['network.io.direction'] === direction;
}

it('durations are in seconds, by method and code, in the buckets of the conventions', async () => {
  const { sdk, client, port } = await serving();
  for (let n = 0; n < 3; n++) await lastValueFrom(client.send('upper', 'x'));
  await expect(lastValueFrom(client.send('fails', 'x'))).rejects.toBeDefined();
  await sdk.untilSpans(8);
  const of = { 'rpc.system.name': 'xtcp', 'server.address': '127.0.0.1', 'server.port': port };
  const calls = await sdk.points('rpc.client.call.duration');
  expect(calls.map(({ attributes }) => attributes)).toEqual([
    { ...of, 'rpc.method': 'upper', 'rpc.response.status_code': 'OK' },
    expect.objectContaining({ ...of, 'rpc.method': 'fails', 'error.type': expect.any(String) }),
  ]);
  const { count, sum, buckets } = calls[0]!.value as { count: number; sum: number; buckets: { boundaries: number[] } };
  expect(count).toBe(3);
  expect(sum).toBeLessThan(3);
  expect(buckets.boundaries).toEqual([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]);
  const served = await sdk.points('rpc.server.call.duration');
  expect(served.map(({ attributes, value }) => [attributes['rpc.method'], (value as { count: number }).count])).toEqual(
    [
      ['upper', 3],
      ['fails', 1],
    ],
  );
});

it('calls, connections and bytes are counted up, and what is over down again', async () => {
  const { sdk, client } = await serving();
  const subscription = client.send('never', 'abc').subscribe();
  await lastValueFrom(client.send('upper', 'abcd'));
  const value = async (name: string, fits: (attributes: Attributes) => boolean): Promise<unknown> =>
    (await sdk.points(name)).find(({ attributes }) => fits(attributes))?.value;
  for (const side of ['client', 'server']) {
    expect(await value(`xtcp.${side}.active_calls`, never)).toBe(1);
    expect(await value(`xtcp.${side}.open_connections`, all)).toBe(1);
  }
  subscription.unsubscribe();
  await sdk.untilSpans(3);
  while ((await value('xtcp.server.active_calls', never)) !== 0);
  expect(await value('xtcp.client.active_calls', never)).toBe(0);
  for (const side of ['client', 'server']) {
    expect(await value(`xtcp.${side}.io`, upper('transmit'))).toBe(4);
    expect(await value(`xtcp.${side}.io`, upper('receive'))).toBe(4);
  }
  await client.close();
  while ((await value('xtcp.server.open_connections', all)) !== 0);
  expect(await value('xtcp.client.open_connections', all)).toBe(0);
});

it('what is under way when it is disabled is counted down', async () => {
  const { sdk, client } = await serving();
  const subscription = client.send('never', 'abc').subscribe();
  while ((await sdk.points('xtcp.server.active_calls'))[0]?.value !== 1);
  sdk.instrumentation.disable();
  for (const name of ['active_calls', 'open_connections']) {
    for (const side of ['client', 'server']) expect((await sdk.points(`xtcp.${side}.${name}`))[0]?.value).toBe(0);
  }
  expect(sdk.spans).toHaveLength(2);
  subscription.unsubscribe();
});

it('patterns that only came over the network are no labels; refused calls are counted by code', async () => {
  const { sdk, client } = await serving();
  for (let n = 0; n < 20; n++) {
    await expect(lastValueFrom(client.send(`unknown ${n}`, 'x'))).rejects.toBeDefined();
  }
  expect(await sdk.points('rpc.server.call.duration')).toEqual([]);
  expect(await sdk.points('xtcp.server.refused_calls')).toMatchObject([
    { value: 20, attributes: { 'rpc.system.name': 'xtcp', 'rpc.response.status_code': 'UNIMPLEMENTED' } },
  ]);
});

it('a client tells a thousand patterns apart, then none', async () => {
  const { sdk, client } = await serving();
  for (let n = 0; n < 1005; n++) {
    await lastValueFrom(client.send(`pattern ${n}`, 'x')).catch(() => {});
  }
  const methods = new Set(
    (await sdk.points('xtcp.client.active_calls')).map(({ attributes }) => attributes['rpc.method']),
  );
  expect(methods.size).toBe(1001);
  expect(methods).toContain('_OTHER');
  const last = sdk.spans.at(-1)!;
  expect(last.name).toBe('xtcp');
  expect(last.attributes).toMatchObject({ 'rpc.method': '_OTHER', 'rpc.method_original': 'pattern 1004' });
});
