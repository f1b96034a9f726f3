import { expect, onTestFinished, test } from 'vitest';

import { clientIn } from '../nest-sessions/support/client.js';
import { startProcess } from '../nest-sessions/support/child.js';
import { Balancer } from './support/balancer.js';
import { EVENT, KeyedLoad, STREAM, UNARY } from './support/keyed-load.js';

const RESTARTS = 8;
const AT_ONCE = 30;
/** Calls that are answered before the next restart. */
const CALLS_EACH = 60;
/** Nothing is to fail because this machine is busy. */
const PATIENT = { queueTimeoutMs: 0, requestTimeoutMs: 0, reconnectDelayMs: 5, maxReconnectDelayMs: 50 };

test(`where servers with probes that drain are still given connections, ${RESTARTS} times, no call fails, none runs twice`, async () => {
  const options = { port: 0, probes: { metrics: false }, gracePeriodMs: 60_000 };
  const balancer = await Balancer.listen();
  onTestFinished(() => balancer.close());
  const client = await clientIn(balancer.port, { protocol: 'session', ...PATIENT });
  const load = new KeyedLoad(client, [UNARY, EVENT, STREAM]);
  let misled = 0;
  let old: { readonly port: number; readonly taken: number; readonly closed: Promise<void> } | undefined;
  for (let restart = 0; restart <= RESTARTS; restart++) {
    const service = await startProcess('counted', { options });
    onTestFinished(() => service.kill());
    balancer.add(service.port);
    if (restart === 0) load.start(AT_ONCE);
    await load.succeed(CALLS_EACH);
    await old?.closed;
    if (old !== undefined) misled += balancer.takenBy(old.port) - old.taken;
    if (restart < RESTARTS) {
      old = { port: service.port, taken: balancer.takenBy(service.port), closed: service.close() };
      // The next is not there yet: until it is, the client can only come back to this one.
    }
  }
  const settled = await load.stop();

  expect(misled).toBeGreaterThan(0);
  expect(settled.length).toBeGreaterThanOrEqual((RESTARTS + 1) * CALLS_EACH);
  expect(settled.filter(({ error }) => error !== undefined)).toEqual([]);
  expect([...load.ran().values()].filter((times) => times !== 1)).toEqual([]);
  expect(load.ran().size).toBe(settled.length);
}, 120_000);
