import { get } from 'node:http';
import type { AddressInfo } from 'node:net';

import {
  Controller,
  Get,
  Module,
  type INestApplication,
  type NestHybridApplicationOptions,
  type OnModuleDestroy,
  type PipeTransform,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { expect, onTestFinished, test } from 'vitest';

import { XtcpServer } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { ask, requestBytes, takeAnswer } from './support/classic.js';
import { deferred } from './support/deferred.js';

@Controller()
class EchoController {
  @MessagePattern('echo')
  echo(@Payload() text: string): string {
    return `xtcp ${text}`;
  }

  @Get('echo')
  http(): string {
    return 'http';
  }
}

class Shout implements PipeTransform<unknown, unknown> {
  transform(value: unknown): unknown {
    return typeof value === 'string' ? value.toUpperCase() : value;
  }
}

interface Hybrid {
  readonly app: INestApplication;
  readonly server: XtcpServer;
  readonly peer: RawPeer;
}

/** An application that serves HTTP and xtcp, each on a port that the system picks. */
async function startHybrid(module: object, options?: NestHybridApplicationOptions): Promise<Hybrid> {
  const app = await NestFactory.create(module, { logger: false });
  onTestFinished(() => app.close());
  app.useGlobalPipes(new Shout());
  const server = new XtcpServer({ port: 0, gracePeriodMs: 1000 });
  app.connectMicroservice({ strategy: server }, options);
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  const peer = await RawPeer.dial((server.unwrap().address() as AddressInfo).port);
  return { app, server, peer };
}

async function httpGet(app: INestApplication, path: string): Promise<string> {
  const { port } = app.getHttpServer().address() as AddressInfo;
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        body += piece;
      });
      response.on('end', () => {
        resolve(body);
      });
    }).on('error', reject);
  });
}

@Module({ controllers: [EchoController] })
class EchoModule {}

test('a hybrid application answers xtcp beside HTTP', async () => {
  const { app, peer } = await startHybrid(EchoModule);

  expect(await ask(peer, 'echo', 'hi')).toBe('xtcp hi');
  expect(await httpGet(app, '/echo')).toBe('http');
});

test('with inheritAppConfig the global pipes of the application hold for xtcp', async () => {
  const { peer } = await startHybrid(EchoModule, { inheritAppConfig: true });

  expect(await ask(peer, 'echo', 'hi')).toBe('xtcp HI');
});

test('without inheritAppConfig the global pipes of the application do not hold for xtcp', async () => {
  const { peer } = await startHybrid(EchoModule, { inheritAppConfig: false });

  expect(await ask(peer, 'echo', 'hi')).toBe('xtcp hi');
});

test('with deferInitialization the handlers are bound when the microservice starts', async () => {
  const { peer } = await startHybrid(EchoModule, { inheritAppConfig: true, deferInitialization: true });

  expect(await ask(peer, 'echo', 'hi')).toBe('xtcp HI');
});

test('startAllMicroservices rejects where a port is taken', async () => {
  const { server } = await startHybrid(EchoModule);
  const { port } = server.unwrap().address() as AddressInfo;
  const app = await NestFactory.create(EchoModule, { logger: false });
  onTestFinished(() => app.close());
  app.connectMicroservice({ strategy: new XtcpServer({ port }) });

  await expect(app.startAllMicroservices()).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('closing the application answers the calls that run, and stops the server', async () => {
  const begun = deferred();
  const goOn = deferred();
  const order: string[] = [];

  @Controller()
  class SlowController implements OnModuleDestroy {
    @MessagePattern('slow')
    async slow(): Promise<string> {
      begun.resolve();
      await goOn.promise;
      order.push('handler ended');
      return 'done';
    }

    // A hybrid application destroys its modules before it closes its servers.
    onModuleDestroy(): void {
      order.push('destroyed');
      goOn.resolve();
    }
  }
  @Module({ controllers: [SlowController] })
  class SlowModule {}
  const { app, server, peer } = await startHybrid(SlowModule);

  peer.send(requestBytes('slow', ''));
  await begun.promise;
  const closed = app.close();

  expect(await takeAnswer(peer)).toBe('done');
  peer.socket.end();
  await closed;
  expect(order).toEqual(['destroyed', 'handler ended']);
  expect(server.unwrap().listening).toBe(false);
  await peer.untilClosed();
});

test('two servers of one application answer on ports of their own', async () => {
  const app = await NestFactory.create(EchoModule, { logger: false });
  onTestFinished(() => app.close());
  const servers = [new XtcpServer({ port: 0 }), new XtcpServer({ port: 0, payload: 'bytes' })];
  for (const strategy of servers) app.connectMicroservice({ strategy });
  await app.startAllMicroservices();

  const ports = servers.map((server) => (server.unwrap().address() as AddressInfo).port);
  expect(new Set(ports).size).toBe(2);
  for (const port of ports) expect(await ask(await RawPeer.dial(port), 'echo', 'hi')).toBe('xtcp hi');
});
