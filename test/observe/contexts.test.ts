import { AsyncLocalStorage } from 'node:async_hooks';

import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { lastValueFrom, tap } from 'rxjs';
import { expect, it } from 'vitest';

import { XtcpRecordBuilder, type ObservedClientCall } from '../../src/index.js';
import { clientOf, startService } from '../support/service.js';
import { listen } from './recording.js';

const storage = new AsyncLocalStorage<string>();
const seen: (string | undefined)[] = [];

@Controller()
class Looks {
  @MessagePattern('look')
  look(): string {
    return storage.getStore() ?? 'outside';
  }
}

it.each(['session', 'classic'] as const)(
  'over %s nothing of the first call is in the context of the next',
  async (protocol) => {
    const { port } = await startService([Looks]);
    const client = clientOf(port, { protocol });
    const contexts: (string | undefined)[] = [];
    const call = (): Promise<unknown> =>
      lastValueFrom(client.send('look', 'x').pipe(tap(() => contexts.push(storage.getStore()))));
    const first = await storage.run('first', call);
    const second = await call();

    expect([first, second]).toEqual(['outside', 'outside']);
    expect(contexts).toEqual([undefined, undefined]);
  },
);

it.each(['session', 'classic'] as const)('over %s callbacks run within what a subscriber gave', async (protocol) => {
  const { port } = await startService([Looks]);
  const client = clientOf(port, { protocol, retries: 0 });
  listen<ObservedClientCall>('xtcp:client:call:start', (observed) => {
    const within = storage.getStore() ?? 'none';
    observed.runWithin((run) => storage.run(within, run));
  });
  seen.length = 0;
  const look = (): void => {
    seen.push(storage.getStore());
  };
  const call = async (name: string, pattern: string): Promise<void> => {
    await storage.run(name, () =>
      lastValueFrom(client.send(pattern, 'x').pipe(tap({ next: look, complete: look, error: look }))).catch(() => {}),
    );
  };
  await call('one', 'look');
  await call('two', 'look');
  await call('three', 'no such');
  expect(seen).toEqual(['one', 'one', 'two', 'two', 'three']);
});

it('metadata for the caller and the data that it streams are within it, too', async () => {
  const { port } = await startService([Looks]);
  const client = clientOf(port, { protocol: 'session' });
  listen<ObservedClientCall>('xtcp:client:call:start', (observed) => {
    observed.runWithin((run) => storage.run('scope', run));
  });
  let input: string | undefined;
  const record = new XtcpRecordBuilder({
    [Symbol.asyncIterator]: () => {
      input = storage.getStore();
      return { next: () => Promise.resolve({ done: true as const, value: undefined }) };
    },
  }).build();
  await lastValueFrom(client.send('look', record));
  expect(input).toBe('scope');
});
