import 'reflect-metadata';

import type { AddressInfo, Server as NetServer } from 'node:net';
import { setImmediate } from 'node:timers/promises';

import type { INestApplication, INestMicroservice, LoggerService, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport, type MicroserviceOptions } from '@nestjs/microservices';

import { XtcpServer, type XtcpServerOptions } from '../../../../src/index.js';
import { counted, note, openGate, probe } from './probe.js';

/** What the test says in the first argument. */
export interface ServiceArguments {
  /** The file of the application. */
  readonly app: string;
  /** Nest's own transport, or this one. */
  readonly transport: 'tcp' | 'xtcp';
  readonly options: XtcpServerOptions;
  /** A hybrid application serves HTTP, too; undefined for none. */
  readonly hybrid: 'inherit' | 'plain' | undefined;
  /** Gets ready, and listens only when it is told to: so one process can take over from another at once. */
  readonly standby?: boolean | undefined;
}

/** What the file of an application exports. */
export interface FixtureApplication {
  readonly module: Type;
  /** Options that are no JSON. */
  readonly options?: XtcpServerOptions;
  readonly server?: (options: XtcpServerOptions) => XtcpServer;
  prepare?(app: INestMicroservice | INestApplication): void;
}

/** What the test asks for. */
export interface Question {
  readonly id: number;
  readonly what: 'memory' | 'count' | 'open' | 'close' | 'listen';
  readonly name: string;
}

const logger: LoggerService = {
  log: () => {},
  warn: (message: unknown) => {
    note('warn', String(message));
  },
  error: (message: unknown) => {
    note('error', message instanceof Error ? message.message : String(message));
  },
};

async function serve(): Promise<void> {
  const given = JSON.parse(process.argv[2] ?? '{}') as ServiceArguments;
  const { app: name, transport, hybrid, standby = false } = given;
  const fixture = (await import(`./${name}.app.js`)) as FixtureApplication;
  const options = { port: 0, ...fixture.options, ...given.options };
  const microservice =
    transport === 'tcp'
      ? ({ transport: Transport.TCP, options } as MicroserviceOptions)
      : { strategy: fixture.server?.(options) ?? new XtcpServer(options) };
  const app = await start(fixture, microservice, hybrid, standby);
  process.on('message', (question: Question) => {
    answer(question, app).then(
      (value) => process.send?.({ id: question.id, value }),
      (error: unknown) => process.send?.({ id: question.id, error: String(error) }),
    );
  });
  if (standby) {
    process.send?.({ port: 0 });
    return;
  }
  const address = netServerOf(app).address() as AddressInfo;
  const http = 'getHttpServer' in app ? ((app.getHttpServer() as NetServer).address() as AddressInfo).port : undefined;
  process.send?.({ port: address.port, http });
}

async function start(
  fixture: FixtureApplication,
  microservice: MicroserviceOptions,
  hybrid: ServiceArguments['hybrid'],
  standby: boolean,
): Promise<INestMicroservice | INestApplication> {
  if (hybrid === undefined) {
    const app = await NestFactory.createMicroservice(fixture.module, { ...microservice, logger });
    fixture.prepare?.(app);
    if (!standby) await app.listen();
    return app;
  }
  const app = await NestFactory.create(fixture.module, { logger });
  app.connectMicroservice(microservice, { inheritAppConfig: hybrid === 'inherit' });
  fixture.prepare?.(app);
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  return app;
}

async function answer({ what, name }: Question, app: INestMicroservice | INestApplication): Promise<unknown> {
  switch (what) {
    case 'memory': {
      (globalThis as { gc?: () => void }).gc?.();
      const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
      return { rss, held: heapUsed + arrayBuffers };
    }
    case 'count':
      return counted(name);
    case 'open':
      openGate(name);
      return undefined;
    case 'close':
      await Promise.all([app.close(), noteLetGo(netServerOf(app))]);
      return undefined;
    case 'listen':
      await (app as INestMicroservice).listen();
      return undefined;
  }
}

function netServerOf(app: INestMicroservice | INestApplication): NetServer {
  const [server] = 'getMicroservices' in app ? app.getMicroservices() : [app];
  return server!.unwrap<NetServer>();
}

/** Tells when another process may listen where this one did. */
async function noteLetGo(server: NetServer): Promise<void> {
  while (server.listening) await setImmediate();
  note('let go', undefined);
}

probe.onNote = (name, detail) => {
  process.send?.({ note: name, detail });
};
// The test is gone.
process.on('disconnect', () => process.exit());
await serve();
