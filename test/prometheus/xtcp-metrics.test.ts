import { Counter, register as defaultRegister, Registry } from 'prom-client';
import { firstValueFrom } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';

import { CHANNELS } from '../../src/observe/channels.js';
import { XtcpMetrics } from '../../src/prometheus/index.js';
import { serving } from '../server/serving.js';
import { NAMES } from './names.js';
import { metricsOf, scrape } from './scrape.js';

const ECHO = { pattern: 'echo', kind: 'call', code: 'OK' };
const COUNT = 'xtcp_client_call_duration_seconds_count';

const areObserved = (): boolean[] => Object.values(CHANNELS).map(({ hasSubscribers }) => hasSubscribers);

describe('XtcpMetrics', () => {
  test('keeps these metrics, each with help, counters alone ending in _total', async () => {
    const { register } = metricsOf();
    const { families } = await scrape(register);
    expect(families.map(({ name }) => name).toSorted()).toEqual(NAMES);
    expect(families.filter(({ help }) => help === '')).toEqual([]);
    const counters = families.filter(({ type }) => type === 'COUNTER').map(({ name }) => name);
    expect(counters.toSorted()).toEqual(NAMES.filter((name) => name.endsWith('_total')));
  });

  test('keeps them in the default register where none is given', async () => {
    const metrics = new XtcpMetrics();
    onTestFinished(() => {
      metrics.stop();
    });
    expect(defaultRegister.getSingleMetric('xtcp_client_calls_in_flight')).toBeDefined();
    metrics.stop();
    expect(defaultRegister.getSingleMetric('xtcp_client_calls_in_flight')).toBeUndefined();
  });

  test('gives OpenMetrics where the register does', async () => {
    const register = new Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>();
    register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    const metrics = new XtcpMetrics({ register });
    onTestFinished(() => {
      metrics.stop();
    });
    const { client } = await serving();
    await firstValueFrom(client().send('echo', 'x'));
    const text = await register.metrics();
    expect(text).toContain('# TYPE xtcp_client_sent_bytes counter\n');
    expect(text).toContain('xtcp_client_sent_bytes_total{pattern="echo"} 1\n');
  });

  test('puts the prefix before every name', async () => {
    const { register } = metricsOf({ prefix: 'shop_' });
    const { families } = await scrape(register);
    expect(families.map(({ name }) => name).toSorted()).toEqual(NAMES.map((name) => `shop_${name}`));
  });

  test('that is stopped counts no more, listens to nothing, and leaves other metrics alone', async () => {
    const before = areObserved();
    const { register, metrics } = metricsOf();
    const orders = new Counter({ name: 'orders_total', help: 'Orders', registers: [register] });
    expect(areObserved()).not.toContain(false);
    metrics.stop();
    metrics.stop();
    expect(areObserved()).toEqual(before);
    expect(register.getMetricsAsArray().map(({ name }) => name)).toEqual(['orders_total']);
    orders.inc();
  });
});

describe('two XtcpMetrics', () => {
  test('on one register share their metrics until both are stopped', async () => {
    const { register, metrics } = metricsOf();
    const second = new XtcpMetrics({ register });
    onTestFinished(() => {
      second.stop();
    });
    const { client } = await serving();
    await firstValueFrom(client().send('echo', 'x'));
    expect((await scrape(register)).value(COUNT, ECHO)).toBe(1);
    metrics.stop();
    metrics.stop();
    await firstValueFrom(client().send('echo', 'x'));
    expect((await scrape(register)).value(COUNT, ECHO)).toBe(2);
    second.stop();
    expect(register.getMetricsAsArray()).toEqual([]);
  });

  test('on two registers, or with two prefixes, keep their own', async () => {
    const first = metricsOf();
    const second = metricsOf();
    const prefixed = metricsOf({ register: first.register, prefix: 'shop_' });
    const { client } = await serving();
    await firstValueFrom(client().send('echo', 'x'));
    expect((await scrape(first.register)).value(COUNT, ECHO)).toBe(1);
    expect((await scrape(first.register)).value(`shop_${COUNT}`, ECHO)).toBe(1);
    expect((await scrape(second.register)).value(COUNT, ECHO)).toBe(1);
    prefixed.metrics.stop();
    expect((await scrape(first.register)).value(COUNT, ECHO)).toBe(1);
  });

  test('on a register that was cleared between them start anew', async () => {
    const { register } = metricsOf();
    const { client } = await serving();
    const caller = client();
    await firstValueFrom(caller.send('echo', 'x'));
    register.clear();
    const second = new XtcpMetrics({ register });
    onTestFinished(() => {
      second.stop();
    });
    await firstValueFrom(caller.send('echo', 'x'));
    expect((await scrape(register)).value(COUNT, ECHO)).toBe(1);
  });
});

describe('XtcpMetrics refuses', () => {
  test('a register that has a metric of that name already, and leaves it as it was', () => {
    const register = new Registry();
    const gauge = new Counter({ name: 'xtcp_server_connections', help: 'Mine', registers: [register] });
    const before = areObserved();
    expect(() => new XtcpMetrics({ register })).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message:
          'XtcpMetrics: the register has a metric "xtcp_server_connections" already that is somebody else\'s; ' +
          'give another prefix',
      }),
    );
    expect(register.getSingleMetric('xtcp_server_connections')).toBe(gauge);
    expect(register.getMetricsAsArray()).toHaveLength(1);
    expect(areObserved()).toEqual(before);
  });

  test.each(['1x', 'a-b', 'a b', '"', 1, null])('the prefix %j', (prefix) => {
    expect(() => new XtcpMetrics({ register: new Registry(), prefix: prefix as string })).toThrow(
      'XtcpMetrics: the option "prefix" takes letters, digits, _ and :',
    );
  });
});
