import type { AddressInfo } from 'node:net';

import type { INestMicroservice, ModuleMetadata, Type } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { onTestFinished } from 'vitest';

import { XtcpClient, XtcpServer, type XtcpClientOptions, type XtcpServerOptions } from '../../src/index.js';

export interface Service {
  readonly app: INestMicroservice;
  readonly server: XtcpServer;
  readonly port: number;
}

/** A module class made of what the test gives. */
export function moduleOf(metadata: ModuleMetadata): Type {
  @Module(metadata)
  class TestModule {}
  return TestModule;
}

/**
 * A real Nest microservice with these controllers (or this module), listening on a port that the system picked; closed
 * when the test ends.
 * @param prepare sets up what has to be there before it listens: global pipes, hooks
 * @param make makes the server, where it is to be another than one of sockets
 */
export async function startService(
  controllers: Type[] | ModuleMetadata,
  options: XtcpServerOptions = {},
  prepare: (app: INestMicroservice, server: XtcpServer) => void = () => {},
  make: (options: XtcpServerOptions) => XtcpServer = (all) => new XtcpServer(all),
): Promise<Service> {
  const metadata = Array.isArray(controllers) ? { controllers } : controllers;
  const server = make({ ...(options.path === undefined && { port: 0 }), gracePeriodMs: 100, ...options });
  const app = await NestFactory.createMicroservice(moduleOf(metadata), { strategy: server, logger: false });
  prepare(app, server);
  onTestFinished(() => app.close());
  const address = (await app.listen()) as unknown as AddressInfo | string;
  return { app, server, port: typeof address === 'string' ? 0 : address.port };
}

/** A client of `port`, closed when the test ends; it speaks classic unless it is told otherwise. */
export function clientOf(port: number, options: XtcpClientOptions = {}): XtcpClient {
  const client = new XtcpClient({ port, protocol: 'classic', ...options });
  onTestFinished(() => client.close());
  return client;
}
