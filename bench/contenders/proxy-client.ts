import type { ClientProxy } from '@nestjs/microservices';
import { lastValueFrom, type Observable } from 'rxjs';

import type { EventClient } from './contender.js';

/** The calls of an application that has a Nest ClientProxy, without its streams. */
export function overProxy(proxy: ClientProxy): EventClient {
  return {
    connect: () => proxy.connect(),
    close: async () => proxy.close(),
    call: (value) => lastValueFrom(proxy.send('echo', value)),
    emit: (value) => lastValueFrom(proxy.emit('event', value)),
    handled: async () => Number(await lastValueFrom(proxy.send<number | string>('handled', ''))),
  };
}

/** Takes a stream as an Observable. @returns how many items came */
export async function countItems(items: Observable<unknown>): Promise<number> {
  let count = 0;
  await items.forEach(() => {
    count++;
  });
  return count;
}
