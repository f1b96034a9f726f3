import type { AddressInfo } from 'node:net';

import type {
  DynamicModule,
  INestApplication,
  INestApplicationContext,
  NestHybridApplicationOptions,
  Provider,
  Type,
} from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { lastValueFrom } from 'rxjs';
import { onTestFinished } from 'vitest';

import {
  InjectXtcpClient,
  XtcpClient,
  XtcpServer,
  type XtcpClientOptions,
  type XtcpServerOptions,
} from '../../src/index.js';
import { moduleOf } from '../support/service.js';

/** Calls `toupper` through the client that is injected under the name UPPER. */
@Injectable()
export class Caller {
  constructor(@InjectXtcpClient('UPPER') readonly client: XtcpClient) {}

  upper(text: string): Promise<string> {
    return lastValueFrom(this.client.send<string>('toupper', text));
  }
}

/** An application without a server, closed when the test ends; what goes wrong at its start is thrown. */
export async function startContext(
  imports: (DynamicModule | Type)[],
  providers: Provider[] = [Caller],
): Promise<INestApplicationContext> {
  const options = { logger: false, abortOnError: false } as const;
  const app = await NestFactory.createApplicationContext(moduleOf({ imports, providers }), options);
  onTestFinished(() => app.close());
  return app;
}

export interface Hybrid {
  readonly app: INestApplication;
  readonly server: XtcpServer;
  readonly port: number;
}

/** An application that serves HTTP and xtcp, each on a port that the system picks; closed when the test ends. */
export async function startHybrid(
  module: Type,
  options: NestHybridApplicationOptions = {},
  serverOptions: XtcpServerOptions = {},
): Promise<Hybrid> {
  const app = await NestFactory.create(module, { logger: false, abortOnError: false });
  onTestFinished(() => app.close());
  const server = new XtcpServer({ port: 0, gracePeriodMs: 5000, ...serverOptions });
  app.connectMicroservice({ strategy: server }, options);
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  return { app, server, port: portOf(server) };
}

/** The port of a server that listens. */
export function portOf(server: XtcpServer): number {
  return (server.unwrap().address() as AddressInfo).port;
}

/** A client that speaks sessions, closed when the test ends. */
export function sessionClient(port: number, options: XtcpClientOptions = {}): XtcpClient {
  const client = new XtcpClient({ port, protocol: 'session', ...options });
  onTestFinished(() => client.close());
  return client;
}
