import { Catch, Controller, UseFilters, type ExceptionFilter } from '@nestjs/common';
import { MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { firstValueFrom, throwError, type Observable } from 'rxjs';
import { expect, test } from 'vitest';

import type { PayloadKind } from '../../src/index.js';
import { clientOf, startService } from '../support/service.js';
import { answerBytes } from './support/classic.js';
import { failureOf, xtcpFailureOf } from './support/failures.js';
import { scriptedServer } from './support/scripted-server.js';

const TRACEBACK = `Traceback (most recent call last):
  File "server.py", line 7, in toupper
    raise ValueError("no such name")
ValueError: no such name`;

@Catch()
class ValueFilter implements ExceptionFilter<{ value: unknown }> {
  catch({ value }: { value: unknown }): Observable<never> {
    return throwError(() => value);
  }
}

@Controller()
class FailingController {
  @MessagePattern('object')
  object(): string {
    throw new RpcException({ code: 404, what: ['user', null], 中: '文\r\n' });
  }

  @MessagePattern('string')
  string(): string {
    throw new RpcException('no such user');
  }

  @MessagePattern('plain')
  plain(): string {
    throw new Error('secret');
  }

  @UseFilters(ValueFilter)
  @MessagePattern('value')
  value(@Payload() json: string): string {
    throw Object.assign(new Error('secret'), { value: JSON.parse(json) as unknown });
  }

  @MessagePattern('cycle')
  cycle(): object {
    const object: { self?: object } = {};
    object.self = object;
    return object;
  }
}

/** The value of a call to a server that answers with these octets. */
async function answered(octets: string, payload?: PayloadKind): Promise<unknown> {
  const { port } = await scriptedServer((peer) => {
    peer.send(answerBytes(octets));
  });
  return firstValueFrom(clientOf(port, { payload }).send('call', ''));
}

test('answers are text where nothing is said', async () => {
  expect(await answered('{"a":1}')).toBe('{"a":1}');
  expect(await answered('línea 1\r\n\r\n线 2', 'text')).toBe('línea 1\r\n\r\n线 2');
  expect(await answered('')).toBe('');
});

test('answers are read as JSON where that is asked for, and none at all is null', async () => {
  expect(await answered('{"a":[1,null]}', 'json')).toEqual({ a: [1, null] });
  expect(await answered('"text"', 'json')).toBe('text');
  expect(await answered('', 'json')).toBeNull();
});

test('answers are octets where that is asked for', async () => {
  const { port } = await scriptedServer((peer) => {
    peer.send(Buffer.from('4\r\n\x00\xff\r\n\r\n\r\n', 'latin1'));
  });

  const value = await firstValueFrom(clientOf(port, { payload: 'bytes' }).send('call', ''));

  expect(value).toEqual(Buffer.from([0x00, 0xff, 0x0d, 0x0a]));
  expect(Buffer.isBuffer(value)).toBe(true);
});

test("what a handler's filter produced arrives verbatim, as the error of the call", async () => {
  const { port } = await startService([FailingController]);
  const client = clientOf(port);

  expect(await failureOf(client.send('object', ''))).toEqual({ code: 404, what: ['user', null], 中: '文\r\n' });
  expect(await failureOf(client.send('string', ''))).toEqual({ status: 'error', message: 'no such user' });
  expect(await failureOf(client.send('plain', ''))).toEqual({ status: 'error', message: 'Internal server error' });
  expect(await failureOf(client.emit('object', ''))).toMatchObject({ code: 404 });
});

test.each([['{"deep":{"er":[]}}'], ['"a text"'], ['[1,2]'], ['7'], ['true']])(
  'whatever JSON value a filter produced (%s) arrives as it is',
  async (json) => {
    const { port } = await startService([FailingController]);

    expect(await failureOf(clientOf(port).send('value', json))).toEqual(JSON.parse(json));
  },
);

test.each(['0', '""', 'false', 'null'])(
  'a filter that produced a falsy value (%s) is an error still, with the value in its details',
  async (json) => {
    const { port } = await startService([FailingController]);

    const error = await xtcpFailureOf(clientOf(port).send('value', json));

    expect(error).toMatchObject({ code: 'APPLICATION', pattern: 'value', endpoint: `127.0.0.1:${port}` });
    expect(error.details).toEqual(JSON.parse(json));
  },
);

test('errors are errors however answers are read', async () => {
  const { port } = await startService([FailingController]);

  for (const payload of ['text', 'json', 'bytes'] as const) {
    const client = clientOf(port, { payload });
    expect(await failureOf(client.send('object', ''))).toMatchObject({ code: 404 });
    expect((await xtcpFailureOf(client.send('nothing', ''))).code).toBe('UNIMPLEMENTED');
    expect((await xtcpFailureOf(client.send('cycle', ''))).code).toBe('INTERNAL');
  }
});

test.each(['text', 'json', 'bytes'] as const)(
  'a Python traceback is an error: its last line the message, the rest in details (%s)',
  async (payload) => {
    const { port } = await scriptedServer((peer) => {
      peer.socket.end(answerBytes(TRACEBACK));
    });

    const error = await xtcpFailureOf(clientOf(port, { payload }).send('toupper', 'x'));

    expect(error).toMatchObject({ code: 'INTERNAL', pattern: 'toupper', endpoint: `127.0.0.1:${port}` });
    expect(error.message).toMatch(/^ValueError: no such name/);
    expect(error.details).toBe(TRACEBACK.slice(0, TRACEBACK.lastIndexOf('\n')));
  },
);

test('an answer that only mentions a traceback is a value', async () => {
  expect(await answered(`see: ${TRACEBACK}`)).toBe(`see: ${TRACEBACK}`);
  expect(await answered('XTCP Server: hello')).toBe('XTCP Server: hello');
});
