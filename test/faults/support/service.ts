import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { expect } from 'vitest';

import type { XtcpClient, XtcpContext, XtcpServer, XtcpServerOptions } from '../../../src/index.js';
import { XtcpRecordBuilder } from '../../../src/index.js';
import { deferred, Happenings } from '../../nest/support/deferred.js';
import { clientOf, startService, type Service } from '../../support/service.js';

export interface FaultService extends Service {
  /** The name of every call that began, in order. */
  readonly began: Happenings;
  /** The name of every call that nothing runs of any more, in order. */
  readonly ended: Happenings;
  /** Lets go of the calls that wait, now and from now on. */
  release(this: void): void;
}

/** A service whose calls wait until the test releases them, or nobody waits for them. */
export async function faultService(
  options: XtcpServerOptions = {},
  make?: (options: XtcpServerOptions) => XtcpServer,
): Promise<FaultService> {
  const began = new Happenings();
  const ended = new Happenings();
  const gate = deferred();

  @Controller()
  class FaultController {
    @MessagePattern('echo')
    echo(@Payload() value: unknown): unknown {
      return value;
    }

    @MessagePattern('blob')
    blob(@Payload() bytes: number): Buffer {
      began.add('blob');
      return Buffer.alloc(bytes, 1);
    }

    /** Ends when it is released or cancelled. */
    @MessagePattern('wait')
    async wait(@Payload() name: string, @Ctx() { signal }: XtcpContext): Promise<string> {
      began.add(name);
      await Promise.race([gate.promise, aborted(signal)]);
      ended.add(name);
      return name;
    }

    /** Ends only when it is released, whoever is gone. */
    @MessagePattern('stubborn')
    async stubborn(@Payload() name: string): Promise<string> {
      began.add(name);
      await gate.promise;
      ended.add(name);
      return name;
    }

    @MessagePattern('items')
    async *items(@Payload() name: string, @Ctx() { signal }: XtcpContext): AsyncGenerator<string> {
      began.add(name);
      try {
        yield 'first';
        await Promise.race([gate.promise, aborted(signal)]);
        yield 'last';
      } finally {
        ended.add(name);
      }
    }

    @MessagePattern('blobs')
    async *blobs(@Payload() { items, bytes }: { items: number; bytes: number }): AsyncGenerator<Buffer> {
      try {
        for (let item = 0; item < items; item++) {
          began.add('blob');
          yield Buffer.alloc(bytes, 1);
        }
      } finally {
        ended.add('blobs');
      }
    }

    @MessagePattern('sum')
    async sum(@Payload() addends: AsyncIterable<number>): Promise<number> {
      let sum = 0;
      for await (const number of addends) sum += number;
      return sum;
    }

    @EventPattern('note')
    async note(@Payload() name: string): Promise<void> {
      began.add(name);
      await gate.promise;
      ended.add(name);
    }
  }

  const service = await startService([FaultController], options, undefined, make);
  return { ...service, began, ended, release: gate.resolve };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener('abort', () => {
        resolve();
      });
  });
}

/** What a client can ask for, each until its end. */
export const KINDS = {
  unary: (client: XtcpClient, name: string) => lastValueFrom(client.send<string>('wait', name)),
  stream: async (client: XtcpClient, name: string) => {
    const items: string[] = [];
    for await (const item of client.stream<string>('items', name)) items.push(item);
    return items;
  },
  event: (client: XtcpClient, name: string) =>
    lastValueFrom(client.emit('note', new XtcpRecordBuilder(name).setAck('handled').build())),
} as const;

export type KindOfCall = keyof typeof KINDS;

/** What each of them gives where all is well. */
export const GIVES: Readonly<Record<KindOfCall, (name: string) => unknown>> = {
  unary: (name) => name,
  stream: () => ['first', 'last'],
  event: () => undefined,
};

/** Calls of each kind, through a client of its own, give what they have to: nobody else notices anything. */
export async function expectUnharmed({ port }: Service): Promise<void> {
  const client = clientOf(port, { protocol: 'session' });
  const big = Buffer.alloc(100_000, 7);
  const [echoed, blob, sum] = await Promise.all([
    lastValueFrom(client.send<Buffer>('echo', big)),
    lastValueFrom(client.send<Buffer>('blob', 10)),
    lastValueFrom(client.send<number>('sum', numbers())),
  ]);
  expect(echoed.equals(big)).toBe(true);
  expect(blob).toEqual(Buffer.alloc(10, 1));
  expect(sum).toBe(6);
  await client.close();
}

async function* numbers(): AsyncGenerator<number> {
  yield* [1, 2, 3];
}

/** Waits until no connection is left at the server. */
export async function untilDeserted({ server }: Service): Promise<void> {
  const net = server.unwrap();
  await expect
    .poll(
      () =>
        new Promise((resolve, reject) =>
          net.getConnections((error, count) => (error ? reject(error) : resolve(count))),
        ),
      {
        timeout: 5000,
        interval: 5,
      },
    )
    .toBe(0);
}
