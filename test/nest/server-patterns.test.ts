import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';

import type { XtcpContext } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { clientOf, startService } from '../support/service.js';
import { ask } from './support/classic.js';
import { xtcpFailureOf } from './support/failures.js';

const NO_HANDLER = 'XTCP Server: UNIMPLEMENTED: There is no matching message handler defined in the remote service.';

@Controller()
class PatternsController {
  @MessagePattern({ cmd: 'sum' })
  sum(@Payload() numbers: string): string {
    return String(numbers.split(',').reduce((total, number) => total + Number(number), 0));
  }

  @MessagePattern({ service: 'math', cmd: 'double', version: 2 })
  double(@Payload() number: string): string {
    return String(Number(number) * 2);
  }

  @MessagePattern(7)
  seven(): string {
    return 'seven';
  }

  @MessagePattern(['one', 'other'])
  either(@Ctx() context: XtcpContext): string {
    return `asked as ${context.getPattern()}`;
  }

  @MessagePattern('with.dots and spaces\r\nand 中文')
  odd(): string {
    return 'odd';
  }

  @MessagePattern('{not json')
  brace(): string {
    return 'brace';
  }
}

test('an object pattern is found by its JSON, with its keys in any order and spaced in any way', async () => {
  const { port } = await startService([PatternsController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, '{"cmd":"sum"}', '1,2,3')).toBe('6');
  expect(await ask(peer, '{ "cmd": "sum" }', '1,2,3')).toBe('6');
  expect(await ask(peer, '{"service":"math","cmd":"double","version":2}', '4')).toBe('8');
  expect(await ask(peer, '{"version":2,"service":"math","cmd":"double"}', '4')).toBe('8');
  expect(await ask(peer, '{\n"cmd":"\\u0064ouble",\n"version":2,"service":"math"}', '4')).toBe('8');
});

test('an object pattern that differs in a key or a value is not found, however deep it is', async () => {
  const { port } = await startService([PatternsController], { maxPatternBytes: 65_536 });
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, '{"cmd":"sun"}', '1')).toBe(NO_HANDLER);
  expect(await ask(peer, '{"cmd":"sum","and":"more"}', '1')).toBe(NO_HANDLER);
  expect(await ask(peer, '{"version":"2","service":"math","cmd":"double"}', '4')).toBe(NO_HANDLER);
  expect(await ask(peer, '{"cmd":"sum"', '1')).toBe(NO_HANDLER);
  expect(await ask(peer, `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, '1')).toBe(NO_HANDLER);
});

test('a client finds object, number and string patterns as the handlers declare them', async () => {
  const { port } = await startService([PatternsController]);
  const client = clientOf(port);

  expect(await firstValueFrom(client.send({ cmd: 'sum' }, '1,2,3'))).toBe('6');
  expect(await firstValueFrom(client.send({ version: 2, cmd: 'double', service: 'math' }, '4'))).toBe('8');
  expect(await firstValueFrom(client.send(7, ''))).toBe('seven');
  expect(await firstValueFrom(client.send('7', ''))).toBe('seven');
  expect(await firstValueFrom(client.send('with.dots and spaces\r\nand 中文', ''))).toBe('odd');
});

test('a number pattern is found by its digits', async () => {
  const { port } = await startService([PatternsController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, '7')).toBe('seven');
  expect(await ask(peer, '07')).toBe(NO_HANDLER);
});

test('a handler of several patterns is found by each', async () => {
  const { port } = await startService([PatternsController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'one')).toBe('asked as one');
  expect(await ask(peer, 'other')).toBe('asked as other');
});

test('a string pattern is found as it is, whatever characters it has', async () => {
  const { port } = await startService([PatternsController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'with.dots and spaces\r\nand 中文')).toBe('odd');
  expect(await ask(peer, '{not json')).toBe('brace');
  expect(await ask(peer, 'constructor')).toBe(NO_HANDLER);
  expect(await ask(peer, '')).toBe(NO_HANDLER);
});

test('getHandlers and getHandlerByPattern show what was bound', async () => {
  const { server } = await startService([PatternsController]);

  expect([...server.getHandlers().keys()]).toContain('{"cmd":"sum"}');
  expect(server.getHandlerByPattern('{"cmd":"sum"}')).toBeTypeOf('function');
  expect(server.getHandlerByPattern('{"cmd": "sum"}')).toBe(server.getHandlerByPattern('{"cmd":"sum"}'));
  expect(server.getHandlerByPattern('nothing')).toBeNull();
});

test('a pattern that begins with "xtcp." fails the start of the application, which says why', async () => {
  @Controller()
  class HealthController {
    @MessagePattern('xtcp.health')
    health(): string {
      return 'well';
    }
  }
  @Controller()
  class NewsController {
    @EventPattern('xtcp.of the application')
    news(@Payload() _text: string): void {}
  }

  for (const [controller, pattern] of [
    [HealthController, 'xtcp.health'],
    [NewsController, 'xtcp.of the application'],
  ] as const) {
    const failure = await xtcpFailureOf(startService([controller]));
    expect(failure.code).toBe('INVALID_ARGUMENT');
    expect(failure.message).toBe(
      `the pattern "${pattern}" is reserved: those that begin with "xtcp." are the transport's own`,
    );
  }
});
