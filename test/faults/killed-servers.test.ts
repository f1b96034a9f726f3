import { expect, onTestFinished, test } from 'vitest';

import { clientIn } from '../nest-sessions/support/client.js';
import { EVENT, IDEMPOTENT, KeyedLoad, STREAM, UNARY, type Settled } from './support/keyed-load.js';
import { Standby } from './support/standby.js';

const KILLS = 50;
const AT_ONCE = 30;
/** Calls that a process answers before it is killed. */
const CALLS_EACH = 60;
/** Nothing is to fail because this machine is busy. */
const PATIENT = { queueTimeoutMs: 0, requestTimeoutMs: 0, reconnectDelayMs: 5, maxReconnectDelayMs: 50 };

test(`where the server is killed under load, ${KILLS} times, every call settles and none runs twice unasked`, async () => {
  const standby = await Standby.of(KILLS + 1);
  const client = await clientIn(standby.port, { protocol: 'session', gracePeriodMs: 0, ...PATIENT });
  const load = new KeyedLoad(client, [UNARY, EVENT, STREAM, IDEMPOTENT]);
  for (let kill = 0; kill <= KILLS; kill++) {
    const service = await standby.next();
    onTestFinished(() => service.kill());
    await service.listen();
    if (kill === 0) load.start(AT_ONCE);
    await load.succeed(CALLS_EACH);
    if (kill < KILLS) await service.kill();
  }
  const settled = await load.stop();

  const ran = load.ran();
  const failed = settled.filter(({ error }) => error !== undefined);
  expect(settled.length - failed.length).toBeGreaterThanOrEqual((KILLS + 1) * CALLS_EACH);
  // Some were under way in every process that was killed.
  expect(new Set(failed.map(({ error }) => error?.code))).toEqual(new Set(['UNAVAILABLE']));
  expect(failed.filter(({ isIdempotent }) => isIdempotent)).toEqual([]);
  const times = ({ key }: Settled): number => ran.get(key) ?? 0;
  expect(settled.filter((call) => !call.isIdempotent && times(call) > 1)).toEqual([]);
  // Those that succeeded ran, and those of which that was promised did not.
  expect(settled.filter((call) => call.error === undefined && times(call) === 0)).toEqual([]);
  expect(settled.filter((call) => call.error?.executed === false && times(call) > 0)).toEqual([]);
}, 300_000);
