import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { concat, defer, EMPTY, of, throwError, timer, map, type Observable } from 'rxjs';
import { RpcException } from '@nestjs/microservices';
import { expect, test } from 'vitest';

import { RawPeer } from '../support/raw.js';
import { startService } from '../support/service.js';
import { applicationError, ask, requestBytes } from './support/classic.js';

const INTERNAL = 'XTCP Server: INTERNAL: Internal server error';

interface Cycle {
  self?: Cycle;
}

@Controller()
class ResultsController {
  @MessagePattern('text')
  text(): string {
    return 'línea 1\r\n\r\n线 2';
  }

  @MessagePattern('octets')
  octets(): Buffer {
    return Buffer.from([0x00, 0xff, 0x0d, 0x0a, 0xfe]);
  }

  @MessagePattern('view')
  view(): Uint8Array {
    return new Uint8Array([1, 65, 66, 67, 2]).subarray(1, 4);
  }

  @MessagePattern('undefined')
  nothing(): undefined {
    return undefined;
  }

  @MessagePattern('null')
  nil(): null {
    return null;
  }

  @MessagePattern('empty')
  empty(): string {
    return '';
  }

  @MessagePattern('object')
  object(): object {
    return { list: [1, 'two', null], at: new Date(0), 中: '文' };
  }

  @MessagePattern('number')
  number(): number {
    return 1.5;
  }

  @MessagePattern('false')
  no(): boolean {
    return false;
  }

  @MessagePattern('promise')
  async promise(): Promise<object> {
    await Promise.resolve();
    return { of: 'an object' };
  }

  @MessagePattern('promise of an observable')
  async both(): Promise<Observable<string>> {
    await Promise.resolve();
    return of('first', 'last');
  }

  @MessagePattern('observable')
  observable(): Observable<unknown> {
    return concat(of('first', 'second'), timer(1).pipe(map(() => ({ n: 3 }))));
  }

  @MessagePattern('observable of undefined')
  lastUndefined(): Observable<unknown> {
    return of('first', undefined);
  }

  @MessagePattern('observable of none')
  none(): Observable<unknown> {
    return EMPTY;
  }

  @MessagePattern('observable that fails')
  fails(): Observable<unknown> {
    return concat(
      of('first', 'second'),
      throwError(() => new RpcException('in the middle')),
    );
  }

  @MessagePattern('observable that throws')
  throws(): Observable<unknown> {
    return defer(() => {
      throw new Error('secret');
    });
  }

  @MessagePattern('bigint')
  bigint(): bigint {
    return 1n;
  }

  @MessagePattern('bigint within')
  within(): Observable<object> {
    return of({ secret: 'secret', count: 1n });
  }

  @MessagePattern('cycle')
  cycle(): Cycle {
    const cycle: Cycle = {};
    cycle.self = cycle;
    return cycle;
  }

  @MessagePattern('function')
  function(): unknown {
    return () => 'secret';
  }

  @MessagePattern('lone surrogate')
  lone(): string {
    return 'a\ud800b';
  }
}

async function answersTo(pattern: string): Promise<string> {
  const { port } = await startService([ResultsController]);
  return ask(await RawPeer.dial(port), pattern);
}

test('a string is answered as its UTF-8, CRLF and all', async () => {
  expect(await answersTo('text')).toBe('línea 1\r\n\r\n线 2');
});

test('a Buffer, or any view of octets, is answered as it is', async () => {
  const { port } = await startService([ResultsController]);
  const peer = await RawPeer.dial(port);

  peer.send(requestBytes('octets', ''));
  expect(await peer.take(12)).toBe('5\r\n\u0000\u00ff\r\n\u00fe\r\n\r\n');
  expect(await ask(peer, 'view')).toBe('ABC');
});

test.each(['undefined', 'null', 'empty', 'observable of none', 'observable of undefined'])(
  'nothing (%s) is answered as an empty result',
  async (pattern) => {
    const { port } = await startService([ResultsController]);
    const peer = await RawPeer.dial(port);

    peer.send(requestBytes(pattern, ''));
    expect(await peer.take(7)).toBe('0\r\n\r\n\r\n');
  },
);

test.each([
  ['object', '{"list":[1,"two",null],"at":"1970-01-01T00:00:00.000Z","中":"文"}'],
  ['number', '1.5'],
  ['false', 'false'],
  ['promise', '{"of":"an object"}'],
])('anything else (%s) is answered as JSON', async (pattern, json) => {
  expect(await answersTo(pattern)).toBe(json);
});

test('of an Observable the last value is answered, when it completes', async () => {
  expect(await answersTo('observable')).toBe('{"n":3}');
  expect(await answersTo('promise of an observable')).toBe('last');
});

test('an Observable that fails after some values is answered with its error alone', async () => {
  const { port } = await startService([ResultsController]);
  const peer = await RawPeer.dial(port);

  expect(applicationError(await ask(peer, 'observable that fails'))).toEqual({
    status: 'error',
    message: 'in the middle',
  });
  expect(applicationError(await ask(peer, 'observable that throws'))).toEqual({
    status: 'error',
    message: 'Internal server error',
  });
  expect(await ask(peer, 'number')).toBe('1.5');
});

test.each(['bigint', 'bigint within', 'cycle', 'function', 'lone surrogate'])(
  'a result that cannot be encoded (%s) is answered as an internal error, and the connection goes on',
  async (pattern) => {
    const { port } = await startService([ResultsController]);
    const peer = await RawPeer.dial(port);

    expect(await ask(peer, pattern)).toBe(INTERNAL);
    expect(await ask(peer, 'number')).toBe('1.5');
  },
);
