import { afterEach, expect, test } from 'vitest';

import { FrameDecoder } from '../../src/wire/decoder.js';
import { memoryOf } from '../../src/wire/memory.js';

const { poolSize } = Buffer;

/** Has Node's pool be of that size, and uses up what there is of another. */
function makePool(bytes: number): void {
  Buffer.poolSize = bytes;
  while (Buffer.allocUnsafe(1000).buffer.byteLength !== bytes);
}

afterEach(() => {
  makePool(poolSize);
});

test.each([
  ['small', 3],
  ['large', 20_000],
])("a %s field of an unfinished frame takes nothing of Node's pool, however large that is", (_, bytes) => {
  makePool(64 * 1024);
  const decoder = new FrameDecoder({ maxFrameBytes: 100_000, maxFields: 10 }, { onFrame: () => {} });
  const mine: Buffer[] = [];
  for (let round = 0; round < 4; round++) {
    decoder.push(Buffer.from(`${bytes}\r\n${'x'.repeat(bytes)}\r\n`));
    mine.push(Buffer.from('an application keeps this'));
    decoder.push(Buffer.from('1\r\ny\r\n\r\n'));
  }
  for (let size = 64 * 1024; size >= 16 * 1024; size /= 2) memoryOf(size).fill('z');
  expect(mine.map(String)).toEqual(mine.map(() => 'an application keeps this'));
});
