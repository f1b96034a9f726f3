import { Socket } from 'node:net';

import { Controller, type ExecutionContext, createParamDecorator } from '@nestjs/common';
import { BaseRpcContext, Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { beforeEach, expect, onTestFinished, test } from 'vitest';

import { XtcpClient, XtcpContext } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { startService } from '../support/service.js';
import { ask, requestBytes, takeAnswer } from './support/classic.js';
import { socketPath } from './support/addresses.js';

const contexts: XtcpContext[] = [];

const Pattern = createParamDecorator((_: unknown, context: ExecutionContext) =>
  context.switchToRpc().getContext<XtcpContext>().getPattern(),
);

@Controller()
class ContextController {
  @MessagePattern('keep')
  keep(@Payload() data: string, @Ctx() context: XtcpContext): string {
    contexts.push(context);
    return data;
  }

  @MessagePattern({ cmd: 'keep', version: 1 })
  keepObject(@Ctx() context: XtcpContext): string {
    contexts.push(context);
    return '';
  }

  @MessagePattern('pattern')
  pattern(@Pattern() pattern: string, @Payload() data: string): string {
    return `${pattern} ${data}`;
  }

  @MessagePattern('undecorated')
  undecorated(data: string): string {
    return `the payload is ${data}`;
  }

  @MessagePattern('hang up')
  hangUp(@Ctx() context: XtcpContext): string {
    context.getSocketRef().destroy();
    return '';
  }
}

beforeEach(() => {
  contexts.length = 0;
});

test('the context tells the pattern, the socket and the address of the caller', async () => {
  const { port } = await startService([ContextController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'keep', 'data')).toBe('data');

  const [context] = contexts;
  expect(context).toBeInstanceOf(XtcpContext);
  expect(context).toBeInstanceOf(BaseRpcContext);
  expect(context?.getPattern()).toBe('keep');
  expect(context?.getSocketRef()).toBeInstanceOf(Socket);
  expect(context?.getSocketRef().remotePort).toBe(peer.socket.localPort);
  expect(context?.getRemoteAddress()).toBe('127.0.0.1');
});

test('a classic call has no metadata', async () => {
  const { port } = await startService([ContextController]);

  await ask(await RawPeer.dial(port), 'keep');

  expect(contexts).toHaveLength(1);
  expect(contexts[0]?.getMetadata()).toBeUndefined();
});

test('getPattern gives the pattern as it came over the wire', async () => {
  const { port } = await startService([ContextController]);
  const peer = await RawPeer.dial(port);

  await ask(peer, '{"version": 1, "cmd": "keep"}');

  expect(contexts[0]?.getPattern()).toBe('{"version": 1, "cmd": "keep"}');
});

test('each call has a context of its own; calls of one connection share its socket', async () => {
  const { port } = await startService([ContextController]);
  const peer = await RawPeer.dial(port);

  peer.send(Buffer.concat([requestBytes('keep', '1'), requestBytes('keep', '2')]));
  expect([await takeAnswer(peer), await takeAnswer(peer)]).toEqual(['1', '2']);

  const [one, other] = contexts;
  expect(one).not.toBe(other);
  expect(one?.getSocketRef()).toBe(other?.getSocketRef());
});

test('the address of the caller is known when it has left, too', async () => {
  const { port } = await startService([ContextController]);
  const peer = await RawPeer.dial(port);
  await ask(peer, 'keep');

  peer.socket.end();
  await peer.untilClosed();

  expect(contexts[0]?.getRemoteAddress()).toBe('127.0.0.1');
});

test('on a Unix socket the caller has no address', async () => {
  const path = await socketPath();
  await startService([ContextController], { path });
  const client = new XtcpClient({ path, protocol: 'classic' });
  onTestFinished(() => client.close());

  expect(await firstValueFrom(client.send('keep', 'data'))).toBe('data');
  expect(contexts).toHaveLength(1);
  expect(contexts[0]?.getRemoteAddress()).toBeUndefined();
});

test('a parameter decorator of the application sees the context, and one without decorator is the payload', async () => {
  const { port } = await startService([ContextController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'pattern', 'data')).toBe('pattern data');
  expect(await ask(peer, 'undecorated', 'data')).toBe('the payload is data');
});

test('a handler may hang up on its caller', async () => {
  const { port } = await startService([ContextController]);
  const peer = await RawPeer.dial(port);

  peer.send(requestBytes('hang up', ''));

  expect(await peer.takeAll()).toBe('');
  expect(await ask(await RawPeer.dial(port), 'keep', 'others')).toBe('others');
});
