import type { StreamClient, ItemsRequest } from '../contenders/contender.js';
import type { Done } from './measure.js';

/** Reads one stream from the server to its end. */
export async function runStream(client: StreamClient, request: ItemsRequest): Promise<Done> {
  const start = performance.now();
  const count = await client.readItems(request);
  if (count !== request.count) throw new Error(`${count} of ${request.count} items came`);
  return { count, seconds: (performance.now() - start) / 1000 };
}
