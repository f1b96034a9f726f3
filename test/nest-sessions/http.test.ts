import type { AddressInfo, Server } from 'node:net';

import { Body, Controller, Get, Inject, Param, Post } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { ClientsModule } from '@nestjs/microservices';
import { firstValueFrom, type Observable } from 'rxjs';
import { expect, onTestFinished, test } from 'vitest';

import { XtcpClient, XtcpToHttpFilter } from '../../src/index.js';
import { moduleOf } from '../support/service.js';
import { serviceOfFile } from './support/child.js';
import { clientIn, errorOf } from './support/client.js';

const service = serviceOfFile('errors');

@Controller()
class GatewayController {
  constructor(@Inject('SERVICE') private readonly client: XtcpClient) {}

  @Post('call/:pattern')
  call(@Param('pattern') pattern: string, @Body() data: unknown): Observable<unknown> {
    return this.client.send(pattern, data);
  }

  @Get('broken')
  broken(): never {
    throw new Error('the password is 123');
  }
}

/** A gateway: HTTP outside, xtcp inside. @returns its address */
async function startGateway(port: number): Promise<string> {
  const clients = ClientsModule.register([{ name: 'SERVICE', customClass: XtcpClient, options: { port } }]);
  const module = moduleOf({
    imports: [clients],
    controllers: [GatewayController],
    providers: [{ provide: APP_FILTER, useClass: XtcpToHttpFilter }],
  });
  const app = await NestFactory.create(module, { logger: false });
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  return `http://127.0.0.1:${((app.getHttpServer() as Server).address() as AddressInfo).port}`;
}

async function post(gateway: string, pattern: string, body: unknown): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${gateway}/call/${encodeURIComponent(pattern)}`, {
    method: 'POST',
    // Each request on a connection of its own: what fetch keeps open would outlive the test.
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json().catch(() => undefined) };
}

test('what ValidationPipe refuses arrives as INVALID_ARGUMENT, with its messages', async () => {
  const client = await clientIn(service().port);
  const failure = await errorOf(firstValueFrom(client.send('person', { name: 1, age: 'x' })));
  expect(failure).toMatchObject({
    name: 'XtcpError',
    code: 'INVALID_ARGUMENT',
    details: {
      statusCode: 400,
      error: 'Bad Request',
      message: ['name must be a string', 'age must be an integer number'],
    },
  });
});

test.each([
  ['not found', { statusCode: 404, message: 'no such person', error: 'Not Found' }],
  ['teapot', { statusCode: 418, message: 'short and stout' }],
])('an HttpException whose status has no code arrives as its response: %s', async (pattern, response) => {
  const client = await clientIn(service().port);
  expect(await errorOf(firstValueFrom(client.send(pattern, 'x')))).toEqual(response);
});

test('an HttpException whose status has a code arrives with it', async () => {
  const client = await clientIn(service().port);
  const failure = await errorOf(firstValueFrom(client.send('forbidden', 'x')));
  expect(failure).toMatchObject({ code: 'PERMISSION_DENIED', details: { statusCode: 403, message: 'Forbidden' } });
});

test.each([
  [
    'person',
    { name: 1, age: 'x' },
    400,
    { statusCode: 400, error: 'Bad Request', message: ['name must be a string', 'age must be an integer number'] },
  ],
  ['not found', {}, 404, { statusCode: 404, message: 'no such person', error: 'Not Found' }],
  ['forbidden', {}, 403, { statusCode: 403, message: 'Forbidden' }],
  ['teapot', {}, 418, { statusCode: 418, message: 'short and stout' }],
  ['guarded', {}, 401, { statusCode: 401, message: 'UNAUTHENTICATED' }],
  ['no such pattern', {}, 501, { statusCode: 501, message: 'UNIMPLEMENTED' }],
  ['bigint', {}, 500, { statusCode: 500, message: 'INTERNAL' }],
])('a gateway answers %s over HTTP as the service meant it', async (pattern, data, status, body) => {
  const gateway = await startGateway(service().port);
  expect(await post(gateway, pattern, data)).toEqual({ status, body });
});

test('a gateway answers what succeeds', async () => {
  const gateway = await startGateway(service().port);
  const response = await fetch(`${gateway}/call/person`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ name: 'Ada', age: 36 }),
  });
  expect(response.status).toBe(201);
  expect(await response.text()).toBe('Ada');
});

test('a gateway tells nothing of its own errors, nor of what the service did not mean for others', async () => {
  const gateway = await startGateway(service().port);
  const own = await fetch(`${gateway}/broken`, { headers: { connection: 'close' } });
  expect([own.status, await own.text()]).toEqual([500, '{"statusCode":500,"message":"Internal server error"}']);
  const theirs = await post(gateway, 'unknown', {});
  expect(theirs.status).toBe(500);
  expect(JSON.stringify(theirs.body)).not.toContain('password');
});

test('a gateway whose service is gone answers 503, and does not say where that was', async () => {
  const gateway = await startGateway(1);
  const answer = await post(gateway, 'person', {});
  expect(answer).toEqual({ status: 503, body: { statusCode: 503, message: 'UNAVAILABLE' } });
});
