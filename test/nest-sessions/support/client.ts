import { NestFactory } from '@nestjs/core';
import { ClientsModule, Transport, type ClientProviderOptions, type ClientProxy } from '@nestjs/microservices';
import { lastValueFrom, toArray, type Observable } from 'rxjs';
import { onTestFinished } from 'vitest';

import { XtcpClient, type XtcpClientOptions } from '../../../src/index.js';
import { moduleOf } from '../../support/service.js';
import type { Wrapping } from './service/wrapping.js';

/** The client of a real Nest application, which is closed when the test ends. */
export async function clientIn(port: number, options: XtcpClientOptions = {}): Promise<XtcpClient> {
  const clients = ClientsModule.register([{ name: 'SERVICE', customClass: XtcpClient, options: { port, ...options } }]);
  return applicationWith(clients);
}

/** As {@link clientIn}, with Nest's own TCP transport. */
export async function tcpClientIn(port: number, options: Partial<Wrapping> = {}): Promise<ClientProxy> {
  const client = { name: 'SERVICE', transport: Transport.TCP, options: { port, ...options } };
  return applicationWith(ClientsModule.register([client as ClientProviderOptions]));
}

async function applicationWith<Client>(clients: ReturnType<typeof ClientsModule.register>): Promise<Client> {
  const app = await NestFactory.createApplicationContext(moduleOf({ imports: [clients] }), { logger: false });
  onTestFinished(() => app.close());
  return app.get<Client>('SERVICE');
}

/** All values of an Observable. */
export function all<T>(source: Observable<T>): Promise<T[]> {
  return lastValueFrom(source.pipe(toArray()));
}

/** All items of a stream. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** The error with which something fails. */
export async function errorOf(failing: Promise<unknown>): Promise<unknown> {
  try {
    await failing;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}
