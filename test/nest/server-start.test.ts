import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Server as NetServer, Socket, connect } from 'node:net';

import { Controller, Inject, Injectable } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { firstValueFrom } from 'rxjs';
import { expect, onTestFinished, test } from 'vitest';

import { XtcpClient, XtcpError, XtcpServer } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { moduleOf, startService } from '../support/service.js';
import { ask } from './support/classic.js';
import { failureOf, nodeCode } from './support/failures.js';
import { socketPath } from './support/addresses.js';
import { UpperController } from './support/upper.controller.js';

test('a microservice of its own answers on its port', async () => {
  const { port } = await startService([UpperController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'toupper', 'xiaoxiao')).toBe('XIAOXIAO');
});

test('listen resolves to the address, with the port that the system picked', async () => {
  const server = new XtcpServer({ port: 0 });
  const app = await NestFactory.createMicroservice(moduleOf({}), { strategy: server, logger: false });
  onTestFinished(() => app.close());

  const address: unknown = await app.listen();

  expect(address).toEqual({ address: '127.0.0.1', family: 'IPv4', port: expect.any(Number) as number });
  expect(address).toEqual(server.unwrap().address());
  expect((address as { port: number }).port).toBeGreaterThan(0);
});

test('listen rejects with EADDRINUSE where the port is taken, and listens once it is free', async () => {
  const first = await startService([UpperController]);
  const server = new XtcpServer({ port: first.port });
  const app = await NestFactory.createMicroservice(moduleOf({ controllers: [UpperController] }), {
    strategy: server,
    logger: false,
  });
  onTestFinished(() => app.close());

  expect(nodeCode(await failureOf(app.listen()))).toBe('EADDRINUSE');
  expect(await firstValueFrom(server.status)).toBe('disconnected');

  await first.app.close();
  await app.listen();
  expect(await ask(await RawPeer.dial(first.port), 'toupper', 'again')).toBe('AGAIN');
});

test('listen rejects with EACCES where a Unix socket cannot be made', async () => {
  const path = await socketPath();
  const app = await NestFactory.createMicroservice(moduleOf({}), {
    strategy: new XtcpServer({ path: `${path}.missing/upper.sock` }),
    logger: false,
  });
  onTestFinished(() => app.close());

  expect(nodeCode(await failureOf(app.listen()))).toBe('EACCES');
});

test('a Unix socket path is listened on, resolved to, and removed at the end', async () => {
  const path = await socketPath();
  const { app, server } = await startService([UpperController], { path });
  const client = new XtcpClient({ path, protocol: 'classic' });
  onTestFinished(() => client.close());

  expect(server.unwrap().address()).toBe(path);
  expect(await firstValueFrom(client.send('toupper', 'xiaoxiao'))).toBe('XIAOXIAO');

  await client.close();
  await app.close();
  expect(existsSync(path)).toBe(false);
});

test('status tells that the server listens and that it has stopped', async () => {
  const server = new XtcpServer({ port: 0 });
  const seen: string[] = [];
  server.status.subscribe((status) => seen.push(status));
  const app = await NestFactory.createMicroservice(moduleOf({}), { strategy: server, logger: false });

  expect(seen).toEqual([]);
  await app.listen();
  expect(seen).toEqual(['connected']);
  expect(await firstValueFrom(server.status)).toBe('connected');
  await app.close();
  expect(seen).toEqual(['connected', 'disconnected']);
});

test('on takes the events of the net.Server, and unwrap gives that server', async () => {
  const events: string[] = [];
  const sockets: Socket[] = [];
  const { app, server, port } = await startService([UpperController], {}, (prepared) => {
    prepared.on('listening', () => events.push('listening'));
    prepared.on('connection', (socket: Socket) => sockets.push(socket));
    prepared.on('close', () => events.push('close'));
  });

  expect(server.unwrap()).toBeInstanceOf(NetServer);
  expect(app.unwrap()).toBe(server.unwrap());
  const peer = await RawPeer.dial(port);
  await ask(peer, 'toupper', 'a');
  expect(sockets).toHaveLength(1);
  expect(sockets[0]).toBeInstanceOf(Socket);
  expect(sockets[0]?.remotePort).toBe(peer.socket.localPort);
  await app.close();
  expect(events).toEqual(['listening', 'close']);
});

test('the strategy may come from a synchronous useFactory', async () => {
  @Injectable()
  class Settings {
    readonly port = 0;
  }
  const app = await NestFactory.createMicroservice(
    moduleOf({ controllers: [UpperController], providers: [Settings] }),
    {
      inject: [Settings],
      useFactory: (settings: Settings) => ({ strategy: new XtcpServer({ port: settings.port }) }),
      logger: false,
    },
  );
  onTestFinished(() => app.close());

  const { port } = (await app.listen()) as unknown as { port: number };
  expect(await ask(await RawPeer.dial(port), 'toupper', 'xiaoxiao')).toBe('XIAOXIAO');
});

test('a microservice of a testing module answers, with its providers overridden', async () => {
  @Controller()
  class GreetingController {
    constructor(@Inject('GREETING') private readonly greeting: string) {}

    @MessagePattern('greet')
    greet(@Payload() name: string): string {
      return `${this.greeting} ${name}`;
    }
  }
  const testing = await Test.createTestingModule({
    controllers: [GreetingController],
    providers: [{ provide: 'GREETING', useValue: 'hello' }],
  })
    .overrideProvider('GREETING')
    .useValue('hi')
    .compile();
  const app = testing.createNestMicroservice({ strategy: new XtcpServer({ port: 0 }), logger: false });
  onTestFinished(() => app.close());

  const { port } = (await app.listen()) as unknown as { port: number };
  expect(await ask(await RawPeer.dial(port), 'greet', 'xiaoxiao')).toBe('hi xiaoxiao');
});

test('an option that is wrong is refused when the strategy is made', () => {
  expect(() => new XtcpServer({ port: 70_000 })).toThrow(XtcpError);
  expect(() => new XtcpServer({ prot: 8001 } as object)).toThrow(/there is no option "prot"/);
});

test('a server that fails to start leaves the one that runs on its port alone', async () => {
  const first = await startService([UpperController]);
  const app = await NestFactory.createMicroservice(moduleOf({}), {
    strategy: new XtcpServer({ port: first.port }),
    logger: false,
  });

  await failureOf(app.listen());
  await app.close();

  const socket = connect(first.port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  expect(await ask(new RawPeer(socket), 'toupper', 'still')).toBe('STILL');
});
