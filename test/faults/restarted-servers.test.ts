import { expect, onTestFinished, test } from 'vitest';

import { clientIn } from '../nest-sessions/support/client.js';
import { EVENT, KeyedLoad, STREAM, UNARY } from './support/keyed-load.js';
import { Standby } from './support/standby.js';

const RESTARTS = 20;
const AT_ONCE = 30;
/** Calls that a process answers before the next one takes over. */
const CALLS_EACH = 60;
/** Nothing is to fail because this machine is busy. */
const PATIENT = { queueTimeoutMs: 0, requestTimeoutMs: 0, reconnectDelayMs: 5, maxReconnectDelayMs: 50 };

test(`where a new process takes the port over as the old one drains, ${RESTARTS} times, no call fails, none runs twice`, async () => {
  const standby = await Standby.of(RESTARTS + 1, { gracePeriodMs: 60_000 });
  const client = await clientIn(standby.port, { protocol: 'session', ...PATIENT });
  const load = new KeyedLoad(client, [UNARY, EVENT, STREAM]);
  let old: Promise<void> | undefined;
  for (let restart = 0; restart <= RESTARTS; restart++) {
    const service = await standby.next();
    onTestFinished(() => service.kill());
    await service.listen();
    if (restart === 0) load.start(AT_ONCE);
    await load.succeed(CALLS_EACH);
    await old;
    if (restart === RESTARTS) break;
    old = service.close();
    // From here on the port is free, though the old one still serves what reached it.
    await service.noted('let go');
  }
  const settled = await load.stop();

  expect(settled.length).toBeGreaterThanOrEqual((RESTARTS + 1) * CALLS_EACH);
  expect(settled.filter(({ error }) => error !== undefined)).toEqual([]);
  expect([...load.ran().values()].filter((times) => times !== 1)).toEqual([]);
  expect(load.ran().size).toBe(settled.length);
}, 180_000);
