import 'reflect-metadata';

import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';

import {
  Controller,
  Module,
  type INestApplication,
  type INestMicroservice,
  type OnModuleDestroy,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { drainOnSignals, InjectXtcpClient, XtcpModule, XtcpServer, type XtcpClient } from 'nestjs-xtcp';
import { lastValueFrom } from 'rxjs';

// An application of its own, for shutdown.test.ts: what it does goes to its stdout, a line each. Nothing but its servers
// and its client keeps its process alive.

const [, , kind, stopping, upperPort] = process.argv;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

let openGate: () => void = () => {};
const gate = new Promise<void>((resolve) => {
  openGate = resolve;
});

@Controller()
export class RelayController implements OnModuleDestroy {
  constructor(@InjectXtcpClient('UPPER') private readonly upper: XtcpClient) {
    upper.on('close', () => {
      say('client closed');
    });
  }

  /** Calls on only when the gate is open, by which time the application shuts down. */
  @MessagePattern('relay')
  async relay(@Payload() text: string): Promise<string> {
    say('called');
    await gate;
    const answer = await lastValueFrom(this.upper.send<string>('toupper', text));
    say('relayed');
    return answer;
  }

  @MessagePattern('open')
  open(): string {
    openGate();
    return 'opened';
  }

  @MessagePattern('stop')
  stop(): string {
    void setImmediate().then(() => app.close());
    return 'stopping';
  }

  async onModuleDestroy(): Promise<void> {
    await setImmediate();
    say('onModuleDestroy');
  }
}

@Module({
  imports: [XtcpModule.register({ clients: [{ name: 'UPPER', options: { port: Number(upperPort) } }] })],
  controllers: [RelayController],
})
export class RelayModule {}

function prepare(application: INestApplication | INestMicroservice): void {
  if (stopping === 'drainOnSignals') drainOnSignals(application);
  if (stopping === 'enableShutdownHooks') application.enableShutdownHooks();
}

const strategy = new XtcpServer({ port: 0, gracePeriodMs: 60_000 });
let app: INestApplication | INestMicroservice;
if (kind === 'hybrid') {
  const application = await NestFactory.create(RelayModule, { logger: false });
  app = application;
  application.connectMicroservice({ strategy });
  prepare(app);
  await application.startAllMicroservices();
  await application.listen(0, '127.0.0.1');
} else {
  const microservice = await NestFactory.createMicroservice(RelayModule, { strategy, logger: false });
  app = microservice;
  prepare(app);
  await microservice.listen();
}
say(`port ${(strategy.unwrap().address() as AddressInfo).port}`);
