import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';

import { statusOf } from '../server/probing.js';
import { serving } from '../server/serving.js';
import { metricsOf, scrape, type Scrape } from './scrape.js';

test('connections are counted on both sides as they come and go', async () => {
  const { register } = metricsOf();
  const { client } = await serving();
  const [first, second] = [client(), client()];
  await firstValueFrom(first.send('echo', 'x'));
  await firstValueFrom(second.send('echo', 'x'));
  for (const side of ['client', 'server']) {
    const { value } = await scrape(register);
    expect(value(`xtcp_${side}_connections`)).toBe(2);
    expect(value(`xtcp_${side}_connections_opened_total`)).toBe(2);
  }
  await first.close();
  await expect.poll(async () => (await scrape(register)).value('xtcp_server_connections')).toBe(1);
  const { value } = await scrape(register);
  expect(value('xtcp_client_connections')).toBe(1);
  expect(value('xtcp_server_connections_opened_total')).toBe(2);
});

test('those that are turned away, and those that break a rule, are counted without saying where they came from', async () => {
  const { register } = metricsOf();
  const { raw } = await serving({ maxConnections: 1 });
  const peer = await raw();
  const refused = await raw();
  await refused.takeAll();
  peer.send('nonsense');
  await peer.takeAll();
  const { value, text } = await scrape(register);
  expect(value('xtcp_server_connections_refused_total')).toBe(1);
  expect(value('xtcp_server_connections_broken_total')).toBe(1);
  expect(value('xtcp_server_connections_opened_total')).toBe(1);
  expect(text).not.toContain('127.0.0.1');
});

test('probes are connections, too, but break no rule', async () => {
  const { register } = metricsOf();
  const { port } = await serving({ probes: { metrics: register } });
  await statusOf(port, '/livez');
  await statusOf(port, '/nothing');
  await expect.poll(async () => (await scrape(register)).value('xtcp_server_connections')).toBe(0);
  const { value } = await scrape(register);
  expect(value('xtcp_server_connections_opened_total')).toBe(2);
  expect(value('xtcp_server_connections_broken_total')).toBe(0);
});

test('those that were open before anybody counted do not make the count wrong for good', async () => {
  const { client } = await serving();
  const early = client();
  await firstValueFrom(early.send('echo', 'x'));
  const { register } = metricsOf();
  await early.close();
  const counts = async (): Promise<ReturnType<Scrape['value']>[]> => {
    const { value } = await scrape(register);
    return ['client', 'server'].map((side) => value(`xtcp_${side}_connections`));
  };
  expect(await counts()).toEqual([0, 0]);
});
