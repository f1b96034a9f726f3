import { BadRequestException, Controller, NotFoundException } from '@nestjs/common';
import { MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';
import { expect, test } from 'vitest';

import { RawPeer } from '../support/raw.js';
import { startService } from '../support/service.js';
import { applicationError, ask, requestBytes } from './support/classic.js';

const UNKNOWN = { status: 'error', message: 'Internal server error' };

/** What the handlers throw, by name. */
const ERRORS: Record<string, () => unknown> = {
  text: () => new RpcException('no such user'),
  object: () => new RpcException({ code: 404, what: ['user', null], nested: { a: 1 } }),
  lines: () => new RpcException('one\r\n\r\ntwo'),
  bigint: () => new RpcException({ secret: 1n }),
  cycle: () => new RpcException(cycle()),
  plain: () => new Error('secret'),
  type: () => new TypeError('secret'),
  http: () => new BadRequestException('secret'),
  notFound: () => new NotFoundException({ secret: true }),
  string: () => 'secret',
  undefined: () => undefined,
  zero: () => 0,
};

function cycle(): object {
  const object: { self?: object } = {};
  object.self = object;
  return object;
}

@Controller()
class ThrowingController {
  @MessagePattern('throw')
  throw(@Payload() name: string): string {
    throw ERRORS[name]?.();
  }

  @MessagePattern('reject')
  async reject(@Payload() name: string): Promise<string> {
    await Promise.resolve();
    throw ERRORS[name]?.();
  }

  @MessagePattern('observe')
  observe(@Payload() name: string): Observable<string> {
    return throwError(() => ERRORS[name]?.());
  }

  @MessagePattern('fine')
  fine(): string {
    return 'fine';
  }
}

async function dialService(): Promise<RawPeer> {
  const { port } = await startService([ThrowingController]);
  return RawPeer.dial(port);
}

const WAYS = ['throw', 'reject', 'observe'];

test('an unknown pattern is answered as UNIMPLEMENTED, and the connection goes on', async () => {
  const peer = await dialService();

  expect(await ask(peer, 'nothing', 'secret')).toBe(
    'XTCP Server: UNIMPLEMENTED: There is no matching message handler defined in the remote service.',
  );
  expect(await ask(peer, 'fine')).toBe('fine');
});

test.each(WAYS)('an RpcException of a string is answered as Nest does (%s)', async (way) => {
  expect(applicationError(await ask(await dialService(), way, 'text'))).toEqual({
    status: 'error',
    message: 'no such user',
  });
});

test.each(WAYS)('an RpcException of an object is answered verbatim (%s)', async (way) => {
  expect(applicationError(await ask(await dialService(), way, 'object'))).toEqual({
    code: 404,
    what: ['user', null],
    nested: { a: 1 },
  });
});

test.each(WAYS)('any other error is answered without its message or its stack (%s)', async (way) => {
  const peer = await dialService();

  for (const name of ['plain', 'type', 'http', 'notFound', 'string', 'undefined', 'zero']) {
    const text = await ask(peer, way, name);
    expect({ name, error: applicationError(text) }).toEqual({ name, error: UNKNOWN });
    expect(text).not.toMatch(/secret|\bat\b|\.ts/);
  }
});

test.each(WAYS)('an RpcException that JSON cannot say is an internal error (%s)', async (way) => {
  const peer = await dialService();

  expect(await ask(peer, way, 'bigint')).toBe('XTCP Server: INTERNAL: Internal server error');
  expect(await ask(peer, way, 'cycle')).toBe('XTCP Server: INTERNAL: Internal server error');
  expect(await ask(peer, 'fine')).toBe('fine');
});

test('an error is always one classic frame of one line, which an old client can take', async () => {
  const peer = await dialService();

  peer.send(requestBytes('throw', 'lines'));
  peer.socket.end();

  const text = 'XTCP Server: APPLICATION: {"status":"error","message":"one\\r\\n\\r\\ntwo"}';
  expect(await peer.takeAll()).toBe(`${text.length}\r\n${text}\r\n\r\n`);
});

test('an error of one of several pipelined requests stands at its place and harms no other', async () => {
  const peer = await dialService();

  peer.socket.end(Buffer.concat([requestBytes('fine', ''), requestBytes('reject', 'plain'), requestBytes('fine', '')]));

  const text = `XTCP Server: APPLICATION: ${JSON.stringify(UNKNOWN)}`;
  const fine = '4\r\nfine\r\n\r\n';
  expect(await peer.takeAll()).toBe(`${fine}${text.length}\r\n${text}\r\n\r\n${fine}`);
});
