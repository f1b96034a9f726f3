import type { AddressInfo, Server as NetServer } from 'node:net';

import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';

import type { Serving } from './contender.js';

/** Starts a Nest microservice whose transport can be unwrapped to a `net.Server`. */
export async function serveOverSocket(module: Type, options: MicroserviceOptions): Promise<Serving> {
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(module, { ...options, logger: ['error'] });
  await app.listen();
  const { port } = app.unwrap<NetServer>().address() as AddressInfo;
  return { port, close: () => app.close() };
}
