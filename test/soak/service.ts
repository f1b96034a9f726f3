import { Controller, Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import type { AddressInfo } from 'node:net';

import { XtcpServer } from '../../src/index.js';

@Controller()
class SoakedController {
  @MessagePattern('echo')
  echo(@Payload() value: unknown): unknown {
    return value;
  }

  @MessagePattern('count')
  async *count(@Payload() to: number): AsyncGenerator<number> {
    for (let number = 1; number <= to; number++) yield number;
  }

  @MessagePattern('sum')
  async sum(@Payload() numbers: AsyncIterable<number>): Promise<number> {
    let sum = 0;
    for await (const number of numbers) sum += number;
    return sum;
  }

  @EventPattern('note')
  note(@Payload() _value: unknown): void {}
}

@Module({ controllers: [SoakedController] })
class SoakedModule {}

/** The service that is soaked, on a port that the system picks. */
export async function startSoaked(): Promise<{ app: INestMicroservice; port: number }> {
  const strategy = new XtcpServer({
    port: 0,
    gracePeriodMs: 1000,
    keepAliveIntervalMs: 200,
    keepAliveTimeoutMs: 1000,
    halfCloseTimeoutMs: 1000,
    incompleteMessageTimeout: 1000,
  });
  const app = await NestFactory.createMicroservice(SoakedModule, { strategy, logger: false });
  const { port } = (await app.listen()) as unknown as AddressInfo;
  return { app, port };
}
