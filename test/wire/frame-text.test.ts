import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { XtcpError } from '../../src/errors/xtcp-error.js';
import { FrameDecoder } from '../../src/wire/decoder.js';
import { encodeFrame, type Field } from '../../src/wire/encoder.js';
import { byteByByte, cut, WIDE } from './decode.js';

/** Lengths about which a text is taken in another way than one a character shorter. */
const LENGTHS = [0, 1, 12, 13, 127, 128, 129, 255, 256, 257, 4095, 4096, 4097, 9000];

const ascii = fc
  .oneof(fc.constantFrom(...LENGTHS), fc.nat({ max: 300 }))
  .map((length) => 'The quick brown fox. '.repeat(Math.ceil(length / 21)).slice(0, length));
const other = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('ö', '小小', '\u{1F44B}', '\uFEFF', '\uFFFD', '\uFEFF\uFFFD'.repeat(3000), 'größe'.repeat(1000)),
);
const text = fc.oneof(
  { weight: 4, arbitrary: ascii },
  { weight: 1, arbitrary: other },
  { weight: 1, arbitrary: fc.tuple(ascii, other, ascii).map((parts) => parts.join('')) },
);

function encode(frames: readonly (readonly Field[])[]): Buffer {
  return Buffer.concat(
    frames.flatMap((fields) => encodeFrame(fields).pieces.map((piece) => Buffer.from(piece as string))),
  );
}

/** The texts of every frame; undefined where one is not UTF-8. Pieces are overwritten behind the decoder. */
function textsIn(pieces: readonly Buffer[], backwards = false): (string | undefined)[][] {
  const frames: (string | undefined)[][] = [];
  const decoder = new FrameDecoder(WIDE, {
    onFrame: (frame) => {
      const texts: (string | undefined)[] = [];
      for (let step = 0; step < frame.count; step++) {
        const index = backwards ? frame.count - 1 - step : step;
        try {
          texts[index] = frame.text(index);
        } catch (error) {
          if (!(error instanceof XtcpError)) throw error;
          texts[index] = undefined;
        }
      }
      frames.push(texts);
    },
  });
  for (const piece of pieces) {
    const own = Buffer.from(piece);
    decoder.push(own);
    own.fill('#');
  }
  return frames;
}

describe('the texts of frames', () => {
  const frames = fc.array(fc.array(text, { minLength: 1, maxLength: 4 }), { maxLength: 12 });

  test('are those that were encoded, ASCII or not, wherever they are cut and in whatever order they are read', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat()), fc.boolean(), (texts, positions, backwards) => {
        const bytes = encode(texts);
        const cuts = positions.map((position) => position % (bytes.length + 1));

        for (const pieces of [[bytes], cut(bytes, cuts)]) expect(textsIn(pieces, backwards)).toEqual(texts);
      }),
    );
  });

  test('are those that were encoded where every byte comes by itself', () => {
    const texts = LENGTHS.map((length) => ['x'.repeat(length), 'ö'.repeat(length)]);

    expect(textsIn(byteByByte(encode(texts)))).toEqual(texts);
  });

  test.each([0, 10, 100, 5000])(
    'that are not UTF-8 are refused, and none beside them, with %i octets around',
    (size) => {
      const around = Buffer.alloc(size, 'x');
      const broken = Buffer.concat([around, Buffer.from([0xe5, 0xb0]), around]);
      const neighbours = Array.from({ length: 200 }, (_, number) => [`neighbour ${number} of what is no text`]);

      const texts = textsIn([encode([...neighbours, ['before', broken, 'behind'], ...neighbours])]);

      expect(texts).toEqual([...neighbours, ['before', undefined, 'behind'], ...neighbours]);
    },
  );
});

test('a text that is kept does not keep the piece alive that it came in', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const kept: string[] = [];
  const count = 500;
  const heapUsed = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const piece = encode(Array.from({ length: 1300 }, (_, number) => [`a text of 32 characters, no. ${1000 + number}`]));
  let frames = 0;
  const decoder = new FrameDecoder(WIDE, {
    onFrame: (frame) => {
      const arrived = frame.text(0);
      if (frames++ % 1300 === 0) kept.push(arrived);
    },
  });
  const before = heapUsed();
  for (let number = 0; number < count; number++) decoder.push(piece);

  expect(kept).toHaveLength(count);
  expect((heapUsed() - before) / count).toBeLessThan(600);
});
