import type { StreamClient, ItemsRequest } from '../contenders/contender.js';
import type { Done } from './measure.js';

/** Reads streams from the server, one behind the other and each to its end, until the time is up. */
export async function runStream(client: StreamClient, request: ItemsRequest, milliseconds: number): Promise<Done> {
  const start = performance.now();
  let count = 0;
  do {
    const came = await client.readItems(request);
    if (came !== request.count) throw new Error(`${came} of ${request.count} items came`);
    count += came;
  } while (performance.now() - start < milliseconds);
  return { count, seconds: (performance.now() - start) / 1000 };
}
