import { setImmediate as nextTurn } from 'node:timers/promises';

import type { BenchClient } from '../contenders/contender.js';
import { Latencies } from './latencies.js';
import type { Done } from './measure.js';
import { makeValue, type Payload } from './payload.js';

/**
 * Calls at a rate of its own, as the users of a service make them. A call's latency counts from when it was due, so
 * that a stall shows in all the calls that were due while it lasted, also where they were made late because of it.
 */
export async function runOpenLoop(
  client: BenchClient,
  { payload, rate }: { readonly payload: Payload; readonly rate: number },
  milliseconds: number,
): Promise<Done> {
  const value = makeValue(payload);
  const latencies = new Latencies();
  const intervalMs = 1000 / rate;
  const total = Math.floor(milliseconds / intervalMs);
  const calls: Promise<void>[] = [];
  const start = performance.now();
  const callDueAt = async (due: number): Promise<void> => {
    await client.call(value);
    latencies.add(performance.now() - due);
  };
  while (calls.length < total) {
    // Timers are no finer than a millisecond: turning the event loop is, at the price of a core.
    await nextTurn();
    const now = performance.now();
    for (let due = start + calls.length * intervalMs; due <= now && calls.length < total; due += intervalMs) {
      calls.push(callDueAt(due));
    }
  }
  await Promise.all(calls);
  return { count: total, seconds: (performance.now() - start) / 1000, latencies: latencies.percentiles() };
}
