import { expect, test } from 'vitest';

import { FrameDecoder } from '../../src/wire/decoder.js';
import { encodeFrame } from '../../src/wire/encoder.js';
import type { Frame } from '../../src/wire/frame.js';

const LARGE = 100_000;

/** Decodes frames of one field, each in two pieces, and gives what `read` makes of them. */
function decodeAll<Value>(fields: readonly Buffer[], read: (frame: Frame, nth: number) => Value): Value[] {
  const values: Value[] = [];
  const decoder = new FrameDecoder(
    { maxFrameBytes: 10 * LARGE, maxFields: 10 },
    {
      onFrame: (frame) => {
        values.push(read(frame, values.length));
      },
    },
  );
  for (const field of fields) {
    const { pieces } = encodeFrame([field]);
    const all = Buffer.concat(pieces.map((piece) => Buffer.from(piece as string)));
    decoder.push(all.subarray(0, 1000));
    decoder.push(all.subarray(1000));
  }
  return values;
}

test('octets that are kept stay as they are while further large fields come', () => {
  const fields = ['a', 'b', 'c', 'd'].map((letter) => Buffer.alloc(LARGE, letter));
  expect(decodeAll(fields, (frame) => frame.bytes(0))).toEqual(fields);
});

test('octets that follow large text have memory of their own, and of just their size', () => {
  const fields = [LARGE, LARGE / 2, LARGE / 2].map((bytes, nth) => Buffer.alloc(bytes, 'xyz'[nth]));
  const read = decodeAll(fields, (frame, nth) => (nth === 0 ? Buffer.from(frame.text(0)) : frame.bytes(0)));
  expect(read).toEqual(fields);
  expect(read.slice(1).map(({ buffer }) => buffer.byteLength)).toEqual([LARGE / 2, LARGE / 2]);
});

test('text is that of its own frame, whatever came before it', () => {
  const fields = [LARGE, LARGE / 2, LARGE].map((bytes, nth) => Buffer.alloc(bytes, 'xyz'[nth]));
  expect(decodeAll(fields, (frame) => frame.text(0))).toEqual(fields.map(String));
});
