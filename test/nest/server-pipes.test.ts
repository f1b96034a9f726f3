import { Controller, ParseIntPipe, ValidationPipe, type PipeTransform } from '@nestjs/common';
import { MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { IsInt, IsString, Min } from 'class-validator';
import { expect, test } from 'vitest';

import type { XtcpExtras } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { startService } from '../support/service.js';
import { applicationError, ask } from './support/classic.js';

class Order {
  @IsString()
  item!: string;

  @IsInt()
  @Min(1)
  amount!: number;
}

class Exclaim implements PipeTransform<unknown, unknown> {
  transform(value: unknown): unknown {
    return typeof value === 'string' ? `${value}!` : value;
  }
}

const rpcValidation = new ValidationPipe({
  transform: true,
  whitelist: true,
  exceptionFactory: (errors) => new RpcException({ invalid: errors.map(({ property }) => property) }),
});

@Controller()
class PipesController {
  @MessagePattern('echo')
  echo(@Payload() text: string): string {
    return text;
  }

  @MessagePattern('twice')
  twice(@Payload(new Exclaim(), Exclaim) text: string): string {
    return text;
  }

  @MessagePattern('next')
  next(@Payload(ParseIntPipe) number: number): number {
    return number + 1;
  }

  @MessagePattern('order', { payload: 'json' } satisfies XtcpExtras)
  order(@Payload(rpcValidation) order: Order): string {
    return `${order.constructor.name} of ${order.amount} ${order.item}, ${Object.keys(order).length} keys`;
  }

  @MessagePattern('amount', { payload: 'json' } satisfies XtcpExtras)
  amount(@Payload('amount', ParseIntPipe) amount: number): number {
    return amount * 2;
  }

  @MessagePattern('plain order', { payload: 'json' } satisfies XtcpExtras)
  plain(@Payload(ValidationPipe) order: Order): string {
    return order.item;
  }
}

test('a pipe of a parameter changes the payload, and several run in order', async () => {
  const { port } = await startService([PipesController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'next', '41')).toBe('42');
  expect(await ask(peer, 'twice', 'hi')).toBe('hi!!');
});

test('a global pipe runs before the ones of a parameter', async () => {
  const { port } = await startService([PipesController], {}, (app) => {
    app.useGlobalPipes(new Exclaim());
  });
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'echo', 'hi')).toBe('hi!');
  expect(await ask(peer, 'twice', 'hi')).toBe('hi!!!');
});

test('ValidationPipe makes an instance of the parameter type from a json payload', async () => {
  const { port } = await startService([PipesController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'order', '{"item":"tea","amount":3,"more":true}')).toBe('Order of 3 tea, 2 keys');
});

test('what ValidationPipe refuses is answered as its exception says, and the handler does not run', async () => {
  const { port } = await startService([PipesController]);
  const peer = await RawPeer.dial(port);

  expect(applicationError(await ask(peer, 'order', '{"item":5,"amount":0}'))).toEqual({ invalid: ['item', 'amount'] });
  expect(applicationError(await ask(peer, 'order', '{"item":"tea","amount":1.5}'))).toEqual({ invalid: ['amount'] });
});

test('a ValidationPipe without an exception for RPC is answered with no more than that it failed', async () => {
  const { port } = await startService([PipesController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'plain order', '{"item":"tea","amount":1}')).toBe('tea');
  expect(applicationError(await ask(peer, 'plain order', '{"item":5}'))).toEqual({
    status: 'error',
    message: 'Internal server error',
  });
});

test('a field of a json payload is taken by its name, and its pipe sees the field alone', async () => {
  const { port } = await startService([PipesController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'amount', '{"amount":"21"}')).toBe('42');
});

test('a global ValidationPipe validates each handler by its own parameter', async () => {
  const { port } = await startService([PipesController], {}, (app) => {
    app.useGlobalPipes(rpcValidation);
  });
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'echo', 'a string is no Order')).toBe('a string is no Order');
  expect(applicationError(await ask(peer, 'plain order', '{"item":"tea"}'))).toEqual({ invalid: ['amount'] });
});
