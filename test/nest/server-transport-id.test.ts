import type { AddressInfo } from 'node:net';

import { Controller } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientTCP, EventPattern, MessagePattern, Payload, Transport } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { expect, onTestFinished, test } from 'vitest';

import { XTCP, XtcpServer } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { moduleOf, startService } from '../support/service.js';
import { ask } from './support/classic.js';
import { failureOf } from './support/failures.js';

const NO_HANDLER = 'XTCP Server: UNIMPLEMENTED: There is no matching message handler defined in the remote service.';
const OTHER = Symbol('another transport');

@Controller()
class MixedController {
  @MessagePattern('ours', XTCP)
  ours(): string {
    return 'ours';
  }

  @MessagePattern('any')
  any(): string {
    return 'any';
  }

  @MessagePattern('tcp', Transport.TCP)
  tcp(): string {
    return 'tcp';
  }

  @MessagePattern('other', OTHER)
  other(): string {
    return 'other';
  }

  @EventPattern('tcp event', Transport.TCP)
  tcpEvent(@Payload() _data: string): void {}

  @MessagePattern('with extras', XTCP, { payload: 'json' })
  withExtras(): string {
    return 'with extras';
  }
}

test('the transport id is an exported symbol', () => {
  expect(typeof XTCP).toBe('symbol');
  expect(new XtcpServer({ port: 0 }).transportId).toBe(XTCP);
});

test('handlers of this transport, and of none, are bound; those of other transports are not taken', async () => {
  const { port } = await startService([MixedController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'ours')).toBe('ours');
  expect(await ask(peer, 'with extras', '1')).toBe('with extras');
  expect(await ask(peer, 'any')).toBe('any');
  expect(await ask(peer, 'tcp')).toBe(NO_HANDLER);
  expect(await ask(peer, 'tcp event')).toBe(NO_HANDLER);
  expect(await ask(peer, 'other')).toBe(NO_HANDLER);
});

test("a handler of this transport is not bound to Nest's own TCP server of the same application", async () => {
  const app = await NestFactory.create(moduleOf({ controllers: [MixedController] }), { logger: false });
  onTestFinished(() => app.close());
  const xtcp = new XtcpServer({ port: 0 });
  app.connectMicroservice({ strategy: xtcp });
  const tcp = app.connectMicroservice({ transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } });
  await app.startAllMicroservices();
  const { port } = tcp.unwrap<{ address(): AddressInfo }>().address();
  const client = new ClientTCP({ host: '127.0.0.1', port });
  onTestFinished(() => {
    client.close();
  });

  expect(await lastValueFrom(client.send('tcp', ''))).toBe('tcp');
  expect(await lastValueFrom(client.send('any', ''))).toBe('any');
  expect(await failureOf(client.send('ours', ''))).toMatch(/no matching message handler/);
  const peer = await RawPeer.dial((xtcp.unwrap().address() as AddressInfo).port);
  expect(await ask(peer, 'ours')).toBe('ours');
  expect(await ask(peer, 'tcp')).toBe(NO_HANDLER);
});

test('with setTransportId the server takes the handlers of another transport', async () => {
  const { port } = await startService([MixedController], {}, (_app, server) => {
    server.setTransportId(OTHER);
  });
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'other')).toBe('other');
  expect(await ask(peer, 'ours')).toBe(NO_HANDLER);
});
