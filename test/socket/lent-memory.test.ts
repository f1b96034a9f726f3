import { setImmediate } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { encodeFrame } from '../../src/wire/encoder.js';
import { memoryOf } from '../../src/wire/memory.js';
import { pair } from './streams.js';

const LARGE = 150_000;

/** Text of one letter, which leaves memory of its own behind. */
function textOf(letter: string): string {
  return letter.repeat(LARGE);
}

test.each([
  ['ASCII', 'abcdefgh'],
  ['other text', 'äöüßéèêñ'],
])('large frames of %s arrive as they were, though the next ones take their memory', async (_, letters) => {
  const { attached, peer } = await pair();
  peer.socket.pause();
  let sent = '';
  for (let round = 0; round < 3; round++) {
    for (const letter of letters) {
      attached.stream.write(encodeFrame(['A', textOf(letter), letter]));
      const bytes = Buffer.byteLength(textOf(letter));
      sent += `1\r\nA\r\n${bytes}\r\n${textOf(letter)}\r\n${Buffer.byteLength(letter)}\r\n${letter}\r\n\r\n`;
    }
    await setImmediate();
    if (round === 1) peer.socket.resume();
  }
  attached.stream.end();

  expect(Buffer.from(await peer.takeAll(), 'latin1').equals(Buffer.from(sent))).toBe(true);
});

test('the memory of large text is there for the next when it has been written, and not before', async () => {
  const { attached, peer } = await pair();
  const frame = encodeFrame([textOf('x')]);
  attached.stream.write(frame);
  const meanwhile = memoryOf(LARGE);
  expect(meanwhile.buffer).not.toBe(frame.lent!.buffer);

  attached.stream.end();
  await peer.takeAll();
  await setImmediate();
  expect(memoryOf(LARGE).buffer).toBe(frame.lent!.buffer);
});

test("a caller's own octets are never taken for it", async () => {
  const { attached, peer } = await pair();
  const own = Buffer.alloc(LARGE, 'x');
  const frame = encodeFrame([own, 'y']);
  expect(frame.lent).toBeUndefined();
  attached.stream.write(frame);
  attached.stream.end();
  await peer.takeAll();
  await setImmediate();
  expect(memoryOf(LARGE).buffer).not.toBe(own.buffer);
});
