import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientsModule } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { firstValueFrom } from 'rxjs';
import { expect, onTestFinished, test } from 'vitest';

import { XtcpClient } from '../../src/index.js';
import { startService } from '../support/service.js';
import { acceptedBy } from './support/accepted.js';
import { xtcpFailureOf } from './support/failures.js';
import { unusedPort } from './support/addresses.js';
import { UpperController } from './support/upper.controller.js';

function imports(port: number, connectOnStart: boolean): ReturnType<typeof ClientsModule.register>[] {
  return [ClientsModule.register([{ name: 'UPPER', customClass: XtcpClient, options: { port, connectOnStart } }])];
}

test('with connectOnStart the application has a connection when it has started', async () => {
  const { port, server } = await startService([UpperController]);
  const accepted = acceptedBy(server);
  @Module({ imports: imports(port, true) })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  onTestFinished(() => app.close());

  const client = app.get<XtcpClient>('UPPER');
  expect(await firstValueFrom(client.status)).toBe('connected');
  expect(client.unwrap()).toHaveLength(1);
  expect(await firstValueFrom(client.send('toupper', 'a'))).toBe('A');
  expect(accepted.all).toHaveLength(1);
});

test('without connectOnStart the application starts whether or not the server is there', async () => {
  const app = await Test.createTestingModule({ imports: imports(await unusedPort(), false) }).compile();
  onTestFinished(() => app.close());

  await app.init();

  expect(() => app.get<XtcpClient>('UPPER').unwrap()).toThrow('Not initialized');
});

test('with connectOnStart the start of an application fails, typed, where the server cannot be reached', async () => {
  const port = await unusedPort();
  const app = await Test.createTestingModule({ imports: imports(port, true) }).compile();
  onTestFinished(() => app.close());

  const error = await xtcpFailureOf(app.init());

  expect(error).toMatchObject({
    code: 'UNAVAILABLE',
    endpoint: `127.0.0.1:${port}`,
    cause: { code: 'ECONNREFUSED' },
  });
  expect(error.message).toContain(`127.0.0.1:${port}`);
});

test('with connectOnStart the start of a microservice fails where the server of its client cannot be reached', async () => {
  const port = await unusedPort();

  const error = await xtcpFailureOf(startService({ imports: imports(port, true), controllers: [UpperController] }));

  expect(error.code).toBe('UNAVAILABLE');
});
