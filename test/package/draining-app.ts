import 'reflect-metadata';

import type { AddressInfo, Server } from 'node:net';
import { setImmediate } from 'node:timers/promises';

import { Controller, Module, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import { drainOnSignals, XtcpServer } from 'nestjs-xtcp';

// An application of its own, for drain-on-signals.test.ts: what it does goes to its stdout, a line each. Nothing but
// its servers keeps its process alive.

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

let openGate: (value: string) => void = () => {};
const gate = new Promise<string>((resolve) => {
  openGate = resolve;
});

@Controller()
export class GateController implements OnModuleDestroy, OnApplicationShutdown {
  @MessagePattern('wait')
  async wait(): Promise<string> {
    say('called');
    const answer = await gate;
    say('ended');
    return answer;
  }

  @MessagePattern('open')
  open(): string {
    openGate('waited');
    return 'opened';
  }

  async onModuleDestroy(): Promise<void> {
    say('onModuleDestroy');
    await setImmediate();
  }

  async onApplicationShutdown(signal?: string): Promise<void> {
    await setImmediate();
    say(`onApplicationShutdown ${signal}`);
  }
}

@Module({ controllers: [GateController] })
export class GateModule {}

/** The port of a server that listens. */
function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

const strategy = new XtcpServer({ port: 0, gracePeriodMs: 60_000 });
if (process.argv[2] === 'hybrid') {
  const app = await NestFactory.create(GateModule, { logger: false });
  app.connectMicroservice({ strategy });
  drainOnSignals(app);
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
} else {
  const app = await NestFactory.createMicroservice(GateModule, { strategy, logger: false });
  drainOnSignals(app);
  await app.listen();
}
say(`port ${portOf(strategy.unwrap())}`);
