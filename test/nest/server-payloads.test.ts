import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { expect, test } from 'vitest';

import { XtcpError, type XtcpExtras, type XtcpServerOptions } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { startService } from '../support/service.js';
import { ask } from './support/classic.js';
import { xtcpFailureOf } from './support/failures.js';

/** What a handler was given, so that the answer tells its type too. */
function describe(value: unknown): string {
  if (Buffer.isBuffer(value)) return `bytes ${value.toString('hex')}`;
  return `${typeof value} ${JSON.stringify(value)}`;
}

@Controller()
class PayloadsController {
  @MessagePattern('default')
  byDefault(@Payload() value: unknown): string {
    return describe(value);
  }

  @MessagePattern('text', { payload: 'text' } satisfies XtcpExtras)
  text(@Payload() value: unknown): string {
    return describe(value);
  }

  @MessagePattern('json', { payload: 'json' } satisfies XtcpExtras)
  json(@Payload() value: unknown): string {
    return describe(value);
  }

  @MessagePattern('bytes', { payload: 'bytes' } satisfies XtcpExtras)
  bytes(@Payload() value: unknown): string {
    return describe(value);
  }

  @MessagePattern('extras', { payload: 'json', mine: { anything: true } } satisfies XtcpExtras)
  extras(@Payload() value: unknown): string {
    return describe(value);
  }

  @MessagePattern('field', { payload: 'json' } satisfies XtcpExtras)
  field(@Payload('user') value: unknown): string {
    return describe(value);
  }

  @MessagePattern('echo bytes', { payload: 'bytes' } satisfies XtcpExtras)
  echo(@Payload() value: Buffer): Buffer {
    return value;
  }
}

async function dialService(options: XtcpServerOptions = {}): Promise<RawPeer> {
  const { port } = await startService([PayloadsController], options);
  return RawPeer.dial(port);
}

test('params are text where nothing is said', async () => {
  const peer = await dialService();

  expect(await ask(peer, 'default', '{"a":1}')).toBe('string "{\\"a\\":1}"');
  expect(await ask(peer, 'default', '')).toBe('string ""');
  expect(await ask(peer, 'default', 'é\r\n\r\n中')).toBe('string "é\\r\\n\\r\\n中"');
});

test.each([
  ['text', 'string "[1,2]"'],
  ['json', 'object [1,2]'],
  ['bytes', 'bytes 5b312c325d'],
] as const)('by server option, params are read as %s', async (payload, described) => {
  const peer = await dialService({ payload });

  expect(await ask(peer, 'default', '[1,2]')).toBe(described);
});

test.each(['text', 'json', 'bytes'] as const)(
  'what a handler says of its payload comes before the server option %s',
  async (payload) => {
    const peer = await dialService({ payload });

    expect(await ask(peer, 'text', '7')).toBe('string "7"');
    expect(await ask(peer, 'json', '7')).toBe('number 7');
    expect(await ask(peer, 'bytes', '7')).toBe('bytes 37');
  },
);

test('json params may be any JSON value, and none at all is null', async () => {
  const peer = await dialService();

  expect(await ask(peer, 'json', '"text"')).toBe('string "text"');
  expect(await ask(peer, 'json', 'null')).toBe('object null');
  expect(await ask(peer, 'json', ' {"a": [true]} ')).toBe('object {"a":[true]}');
  expect(await ask(peer, 'json', '')).toBe('object null');
});

test('bytes params may be any octets, and arrive as they were sent', async () => {
  const peer = await dialService();

  expect(await ask(peer, 'bytes', Buffer.from([0xff, 0x0d, 0x0a, 0x00]))).toBe('bytes ff0d0a00');
  expect(await ask(peer, 'bytes', '')).toBe('bytes ');
  expect(await ask(peer, 'echo bytes', 'a\r\n\r\nb')).toBe('a\r\n\r\nb');
});

test('a field of json params is given by its name, and is undefined where there is none', async () => {
  const peer = await dialService();

  expect(await ask(peer, 'field', '{"user":"xiao"}')).toBe('string "xiao"');
  expect(await ask(peer, 'field', '{"other":1}')).toBe('undefined undefined');
  expect(await ask(peer, 'field', '')).toBe('undefined undefined');
});

test('extras may have members of other libraries', async () => {
  const peer = await dialService();

  expect(await ask(peer, 'extras', '{"a":1}')).toBe('object {"a":1}');
});

test('extras are checked by their type', () => {
  // @ts-expect-error -- there is no payload of this name
  const wrong: XtcpExtras = { payload: 'yaml' };
  expect(wrong.payload).toBe('yaml');
});

test('an unknown payload in the extras of a handler is refused when the application starts', async () => {
  @Controller()
  class WrongController {
    @MessagePattern('wrong', { payload: 'yaml' })
    wrong(): string {
      return 'never';
    }
  }
  const error = await xtcpFailureOf(startService([WrongController]));

  expect(error.code).toBe('INVALID_ARGUMENT');
  expect(error.message).toMatch(/"wrong".*text, json, bytes/);
});

test('an unknown payload in the extras of an event handler is refused, too', async () => {
  @Controller()
  class WrongController {
    @EventPattern('wrong', { payload: 'YAML' })
    wrong(@Payload() _data: unknown): void {}
  }

  await expect(startService([WrongController])).rejects.toBeInstanceOf(XtcpError);
});
