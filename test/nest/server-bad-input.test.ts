import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { beforeEach, expect, test } from 'vitest';

import type { XtcpExtras, XtcpServerOptions } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { startService } from '../support/service.js';
import { ask, requestBytes, takeAnswer } from './support/classic.js';

const handled: unknown[] = [];

beforeEach(() => {
  handled.length = 0;
});

@Controller()
class NotingController {
  @MessagePattern('text')
  text(@Payload() data: string): string {
    handled.push(data);
    return data;
  }

  @MessagePattern('json', { payload: 'json' } satisfies XtcpExtras)
  json(@Payload() data: unknown): string {
    handled.push(data);
    return 'taken';
  }

  @EventPattern('event', { payload: 'json' } satisfies XtcpExtras)
  event(@Payload() data: unknown): void {
    handled.push(data);
  }
}

async function dialService(options: XtcpServerOptions = {}): Promise<RawPeer> {
  const { port } = await startService([NotingController], options);
  return RawPeer.dial(port);
}

test.each(['json', 'event'])('params that are not JSON are refused, none of them quoted (%s)', async (pattern) => {
  const peer = await dialService();

  const text = await ask(peer, pattern, '{"secret":');
  expect(text).toMatch(/^XTCP Server: INVALID_ARGUMENT: .*not JSON/);
  expect(text).not.toContain('secret');
  expect(handled).toEqual([]);
});

test('params that are not UTF-8 are refused where text or JSON is wanted', async () => {
  const peer = await dialService();
  const notUtf8 = Buffer.from([0x61, 0xff, 0x62]);

  expect(await ask(peer, 'text', notUtf8)).toMatch(/^XTCP Server: INVALID_ARGUMENT: .*not UTF-8/);
  expect(await ask(peer, 'json', notUtf8)).toMatch(/^XTCP Server: INVALID_ARGUMENT: .*not UTF-8/);
  expect(await ask(peer, 'text', '\ufffd')).toBe('\ufffd');
  expect(handled).toEqual(['\ufffd']);
});

test('a method that is not UTF-8 is refused, and the connection goes on', async () => {
  const peer = await dialService();

  peer.send(Buffer.from('2\r\n\xff\xfe\r\n0\r\n\r\n\r\n', 'latin1'));
  expect(await takeAnswer(peer)).toMatch(/^XTCP Server: INVALID_ARGUMENT: .*not UTF-8/);
  expect(await ask(peer, 'text', 'next')).toBe('next');
});

test('a method over maxPatternBytes is refused, and the connection goes on', async () => {
  const peer = await dialService({ maxPatternBytes: 2000 });

  expect(await ask(peer, 'm'.repeat(2000))).toMatch(/^XTCP Server: UNIMPLEMENTED: /);
  const refusal = 'XTCP Server: RESOURCE_EXHAUSTED: the method is over 2000 bytes (maxPatternBytes)';
  expect(await ask(peer, 'm'.repeat(2001))).toBe(refusal);
  expect(await ask(peer, 'ä'.repeat(1001))).toBe(refusal);
  expect(await ask(peer, 'text', 'next')).toBe('next');
  expect(handled).toEqual(['next']);
});

test('the params of a pattern that nobody handles are not looked at', async () => {
  const peer = await dialService({ payload: 'json' });

  expect(await ask(peer, 'nothing', '{"secret":')).toMatch(/^XTCP Server: UNIMPLEMENTED: /);
});

test.each([
  ['no digits at all', 'GET / HTTP/1.1\r\n\r\n', 0],
  ['a length with a leading zero', '04\r\ntext', 1],
  ['a length that is negative', '-4\r\ntext', 0],
  ['a length without CRLF', '4\ntext', 1],
  ['a method that is longer than its length', '3\r\ntext\r\n', 6],
  ['a method that is shorter than its length', '6\r\ntext\r\n0\r\n', 9],
  ['no second length', '4\r\ntext\r\nx', 9],
  ['params that are longer than their length', '4\r\ntext\r\n1\r\nab\r\n\r\n', 13],
  ['a third field', '4\r\ntext\r\n1\r\na\r\n1\r\nb\r\n\r\n', 15],
])('a malformed frame (%s) is told with the byte, then the connection is closed', async (_what, bytes, position) => {
  const peer = await dialService();

  peer.send(bytes);

  const text = await takeAnswer(peer);
  expect(text).toMatch(/^XTCP Server: Malformed Client Request: /);
  expect(text).toMatch(new RegExp(`, at byte ${position}$`));
  expect(await peer.takeAll()).toBe('');
  expect(handled).toEqual([]);
});

test('a frame of one field is told as malformed, then the connection is closed', async () => {
  const peer = await dialService();

  peer.send('4\r\ntext\r\n\r\n');

  expect(await takeAnswer(peer)).toMatch(/^XTCP Server: Malformed Client Request: .*two fields/);
  expect(await peer.takeAll()).toBe('');
});

test('an input that ends in the middle of a frame is told as malformed', async () => {
  const peer = await dialService();

  peer.socket.end('4\r\ntext\r\n5\r\nab');

  expect(await takeAnswer(peer)).toMatch(/^XTCP Server: Malformed Client Request: /);
  expect(await peer.takeAll()).toBe('');
});

test('requests before a malformed one are answered, none behind it is run', async () => {
  const peer = await dialService();

  peer.send(Buffer.concat([requestBytes('text', 'before'), Buffer.from('x'), requestBytes('text', 'behind')]));

  expect(await takeAnswer(peer)).toBe('before');
  expect(await takeAnswer(peer)).toMatch(/^XTCP Server: Malformed Client Request: .*, at byte 0$/);
  expect(await peer.takeAll()).toBe('');
  expect(handled).toEqual(['before']);
});

test('a frame over maxFrameBytes is refused from its length, and its connection closed', async () => {
  const peer = await dialService({ maxFrameBytes: 10 });

  expect(await ask(peer, 'text', '123456')).toBe('123456');
  // Not one octet of the params is sent, and the refusal comes all the same.
  peer.send('4\r\ntext\r\n7\r\n');

  expect(await takeAnswer(peer)).toMatch(/^XTCP Server: RESOURCE_EXHAUSTED: .*maxFrameBytes, 10/);
  expect(await peer.takeAll()).toBe('');
  expect(handled).toEqual(['123456']);
});

test('a method over maxFrameBytes is refused from its length, too', async () => {
  const peer = await dialService({ maxFrameBytes: 10 });

  peer.send('11\r');

  expect(await takeAnswer(peer)).toMatch(/^XTCP Server: RESOURCE_EXHAUSTED: .*maxFrameBytes, 10/);
  expect(await peer.takeAll()).toBe('');
});

test('a frame that stalls is refused after incompleteMessageTimeout, and its connection closed', async () => {
  const peer = await dialService({ incompleteMessageTimeout: 20 });

  peer.send('4\r\ntext\r\n5\r\nab');

  expect(await takeAnswer(peer)).toMatch(/^XTCP Server: DEADLINE_EXCEEDED: .*20 ms \(incompleteMessageTimeout\)/);
  expect(await peer.takeAll()).toBe('');
  expect(handled).toEqual([]);
});

test('a connection that is silent between two frames does not stall', async () => {
  const { port } = await startService([NotingController], { incompleteMessageTimeout: 20 });
  const silent = await RawPeer.dial(port);
  expect(await ask(silent, 'text', 'one')).toBe('one');

  // Longer than the limit: another connection runs into it meanwhile.
  const stalled = await RawPeer.dial(port);
  stalled.send('4\r\nte');
  await takeAnswer(stalled);

  expect(await ask(silent, 'text', 'two')).toBe('two');
});
