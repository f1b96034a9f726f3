import type { EventClient } from '../contenders/contender.js';
import type { Done } from './measure.js';
import { makeValue, type Payload } from './payload.js';

/** Milliseconds between looks at how far the server has come. */
const LOOK_MS = 1;

/** Emits events until the time is up, and waits until the server has handled all of them. */
export async function runEvents(
  client: EventClient,
  { payload, inFlight }: { readonly payload: Payload; readonly inFlight: number },
  milliseconds: number,
): Promise<Done> {
  const value = makeValue(payload);
  const handledBefore = await client.handled();
  let count = 0;
  const start = performance.now();
  const end = start + milliseconds;
  const emitAgain = async (): Promise<void> => {
    while (performance.now() < end) {
      count++;
      await client.emit(value);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, emitAgain));
  while ((await client.handled()) < handledBefore + count) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return { count, seconds: (performance.now() - start) / 1000 };
}
