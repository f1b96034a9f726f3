import type { BenchClient } from '../contenders/contender.js';
import { Latencies } from './latencies.js';
import type { Done } from './measure.js';
import { makeValue, type Payload } from './payload.js';

/** A number of callers, each of which makes its next call when its last is answered, until the time is up. */
export async function runClosedLoop(
  client: BenchClient,
  { payload, inFlight }: { readonly payload: Payload; readonly inFlight: number },
  milliseconds: number,
): Promise<Done> {
  const value = makeValue(payload);
  const latencies = new Latencies();
  let count = 0;
  const start = performance.now();
  const end = start + milliseconds;
  const callAgain = async (): Promise<void> => {
    for (let before = start; before < end;) {
      await client.call(value);
      const now = performance.now();
      latencies.add(now - before);
      before = now;
      count++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, callAgain));
  return { count, seconds: (performance.now() - start) / 1000, latencies: latencies.percentiles() };
}
