import { lastValueFrom } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';

import type { XtcpClient, XtcpClientOptions, XtcpServerOptions } from '../../src/index.js';
import { xtcpFailureOf } from '../nest/support/failures.js';
import { clientOf } from '../support/service.js';
import { FaultyProxy } from './support/proxy.js';
import {
  expectUnharmed,
  faultService,
  GIVES,
  KINDS,
  untilDeserted,
  type FaultService,
  type KindOfCall,
} from './support/service.js';

/** Where only the keepalive can tell that nobody is there. */
const IMPATIENT = { keepAliveIntervalMs: 100, keepAliveTimeoutMs: 150 };
const kinds = Object.keys(KINDS) as KindOfCall[];

interface Between {
  readonly service: FaultService;
  readonly proxy: FaultyProxy;
  readonly client: XtcpClient;
}

/** A service, a client of it, and a proxy in between; the connection stands. */
async function between(options: XtcpServerOptions & XtcpClientOptions = {}): Promise<Between> {
  const service = await faultService(options);
  const proxy = await FaultyProxy.listen(service.port);
  onTestFinished(() => proxy.close());
  const client = clientOf(proxy.port, { protocol: 'session', connectTimeoutMs: 200, ...options });
  await client.connect();
  return { service, proxy, client };
}

/** All is well again through the same client, and when it has gone, nothing is left. */
async function expectRecovered({ service, proxy, client }: Between): Promise<void> {
  service.release();
  const values = await Promise.all(kinds.map((kind) => KINDS[kind](client, `again, ${kind}`)));
  expect(values).toEqual(kinds.map((kind) => GIVES[kind](`again, ${kind}`)));
  await expectUnharmed(service);
  await client.close();
  await untilDeserted(service);
  await proxy.until(() => proxy.open === 0);
  expect(service.ended.all.toSorted()).toEqual(service.began.all.filter((name) => name !== 'blob').toSorted());
}

/** Harm done while a call is under way, which it does not survive. */
const deadly: Readonly<Record<string, (proxy: FaultyProxy) => void>> = {
  'connections are reset': (proxy) => {
    proxy.resetAll();
  },
  'connections are ended': (proxy) => {
    proxy.endAll();
  },
  'what the client sends is swallowed': (proxy) => {
    proxy.set('toServer', { kind: 'blackhole' });
  },
  'what the server sends is swallowed': (proxy) => {
    proxy.set('toClient', { kind: 'blackhole' });
  },
  'all that is sent is swallowed': (proxy) => {
    proxy.set('both', { kind: 'blackhole' });
  },
};

describe.each(Object.keys(deadly))('where %s', (name) => {
  test.each(kinds)('a %s under way fails with UNAVAILABLE, and all works again behind it', async (kind) => {
    const all = await between(IMPATIENT);
    const { service, proxy, client } = all;
    const failure = xtcpFailureOf(KINDS[kind](client, 'lost'));
    await service.began.including('lost');
    deadly[name]?.(proxy);

    const error = await failure;
    expect(error.code).toBe('UNAVAILABLE');
    // It ran, and nothing may promise otherwise.
    expect(error.executed).toBeUndefined();
    await proxy.heal();
    await expectRecovered(all);
  });
});

describe.each(['end', 'reset'] as const)('where the connection is cut in the middle of an answer (%s)', (how) => {
  test.each(kinds)('a %s fails with UNAVAILABLE, and all works again behind it', async (kind) => {
    const all = await between();
    const { service, proxy, client } = all;
    const failure = xtcpFailureOf(KINDS[kind](client, 'lost'));
    await service.began.including('lost');
    // Whatever is under way by now, a keepalive's answer or the answer: four bytes are no frame.
    proxy.cutAfter('toClient', 4, how);
    service.release();

    const error = await failure;
    expect(error.code).toBe('UNAVAILABLE');
    expect(error.executed).toBeUndefined();
    await expectRecovered(all);
  });
});

describe.each(['end', 'reset'] as const)('where the connection is cut in the middle of a request (%s)', (how) => {
  test.each(kinds)('a %s fails with UNAVAILABLE, does not run, and all works again behind it', async (kind) => {
    const all = await between();
    const { service, proxy, client } = all;
    proxy.cutAfter('toServer', 4, how);

    expect(await xtcpFailureOf(KINDS[kind](client, 'cut off'))).toMatchObject({ code: 'UNAVAILABLE' });
    expect(service.began.all).toEqual([]);
    await expectRecovered(all);
  });
});

/** What only slows a call down. */
const slow: Readonly<Record<string, (proxy: FaultyProxy) => void>> = {
  'all is delayed': (proxy) => {
    proxy.set('both', { kind: 'delay', ms: 20 });
  },
  'the answers are throttled': (proxy) => {
    proxy.set('toClient', { kind: 'throttle', bytesPerSecond: 4000 });
  },
  'all is throttled': (proxy) => {
    proxy.set('both', { kind: 'throttle', bytesPerSecond: 4000 });
  },
  'the requests come byte by byte': (proxy) => {
    proxy.set('toServer', { kind: 'slice' });
  },
  'all comes byte by byte': (proxy) => {
    proxy.set('both', { kind: 'slice' });
  },
};

describe.each(Object.keys(slow))('where %s', (name) => {
  test.each(kinds)('a %s gives what it has to, over the same connection', async (kind) => {
    const all = await between();
    const { service, proxy, client } = all;
    service.release();
    slow[name]?.(proxy);

    expect(await KINDS[kind](client, 'slow')).toEqual(GIVES[kind]('slow'));
    expect(proxy.taken).toBe(1);
    await proxy.heal();
    await expectRecovered(all);
  });
});

test.each(kinds)(
  'where the server says nothing in the hello, a %s fails with UNAVAILABLE, certainly not run',
  async (kind) => {
    const all = await between();
    const { service, proxy, client } = all;
    await client.close();
    proxy.set('toClient', { kind: 'blackhole' });

    expect(await xtcpFailureOf(KINDS[kind](client, 'unheard'))).toMatchObject({ code: 'UNAVAILABLE', executed: false });
    expect(service.began.all).toEqual([]);
    await proxy.heal();
    await expectRecovered(all);
  },
);

test('a large answer that is cut in its middle ends its call, and the next one brings it whole', async () => {
  const all = await between();
  const { proxy, client } = all;
  proxy.cutAfter('toClient', 300_000, 'reset');

  expect(await xtcpFailureOf(client.send('blob', 1_000_000))).toMatchObject({ code: 'UNAVAILABLE' });
  expect(await lastValueFrom(client.send<Buffer>('blob', 1_000_000))).toHaveLength(1_000_000);
  await expectRecovered(all);
});

test('calls with a deadline fail in time, whatever is swallowed', async () => {
  const { service, proxy } = await between();
  const client = clientOf(proxy.port, { protocol: 'session', timeoutMs: 100, gracePeriodMs: 0 });
  await client.connect();
  const failures = kinds.map((kind) => xtcpFailureOf(KINDS[kind](client, kind)));
  await service.began.count(kinds.length);
  proxy.set('both', { kind: 'blackhole' });

  for (const failure of failures) expect(await failure).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  service.release();
});
