import { describe, expect, test } from 'vitest';

import { FrameDecoder } from '../../src/wire/decoder.js';
import type { Frame } from '../../src/wire/frame.js';
import { memoryOf } from '../../src/wire/memory.js';
import { WIDE, readFrame } from './decode.js';

function frameOf(...octets: readonly number[]): Buffer {
  return Buffer.concat([Buffer.from(`${octets.length}\r\n`), Buffer.from(octets), Buffer.from('\r\n\r\n')]);
}

describe('text', () => {
  test.each(['', 'hello', 'größe', '小小', '👋🏽', '\u0000', '\uFFFD', 'a\uFFFDb', '\uFEFFa', '\uFEFF', '\r\n'])(
    '%j arrives as it is',
    (text) => {
      const bytes = Buffer.from(`${Buffer.byteLength(text)}\r\n${text}\r\n\r\n`);

      expect(readFrame(bytes, (frame) => frame.text(0))).toBe(text);
    },
  );

  const NOT_UTF8: Readonly<Record<string, readonly number[]>> = {
    'a lone continuation octet': [0x80],
    'a sequence that breaks off': [0x61, 0xe5, 0xb0],
    'an overlong form': [0xc0, 0xaf],
    'a surrogate': [0xed, 0xa0, 0x80],
    'a code point beyond Unicode': [0xf4, 0x90, 0x80, 0x80],
    'an octet that UTF-8 never has': [0xff],
    'U+FFFD beside an octet that is none': [0xef, 0xbf, 0xbd, 0xff],
  };
  test.each(Object.entries(NOT_UTF8))('%s is refused', (_, octets) => {
    expect(() => readFrame(frameOf(...octets), (frame) => frame.text(0))).toThrow(
      expect.objectContaining({
        name: 'XtcpError',
        code: 'INVALID_ARGUMENT',
        message: 'field 1 of the frame is not UTF-8',
      }),
    );
  });

  test('a field that is not UTF-8 does not spoil those beside it', () => {
    const texts = readFrame('1\r\na\r\n1\r\n\xff\r\n1\r\nc\r\n\r\n', (frame) => {
      expect(() => frame.text(1)).toThrow('field 2 of the frame is not UTF-8');
      return [frame.text(0), frame.text(2)];
    });

    expect(texts).toEqual(['a', 'c']);
  });
});

describe('bytes', () => {
  test('arrive as they are, UTF-8 or not', () => {
    expect(readFrame(frameOf(0, 0xff, 13, 10, 0x80), (frame) => frame.bytes(0))).toEqual(
      Buffer.from([0, 0xff, 13, 10, 0x80]),
    );
    expect(readFrame('0\r\n\r\n\r\n', (frame) => frame.bytes(0))).toHaveLength(0);
  });

  test('may be kept: they do not change with the piece that they came in', () => {
    const piece = Buffer.from('5\r\nhello\r\n\r\n');
    const kept = readFrame(piece, (frame) => frame.bytes(0));
    piece.fill('#');

    expect(kept.toString()).toBe('hello');
  });

  test('may be kept: a small field does not keep a large piece alive', () => {
    const piece = Buffer.alloc(1024 * 1024, '1\r\na\r\n\r\n');
    const kept: Buffer[] = [];
    new FrameDecoder(WIDE, {
      onFrame: (frame) => {
        if (kept.length === 0) kept.push(frame.bytes(0));
      },
    }).push(piece);

    expect(kept[0]?.buffer.byteLength).toBeLessThan(64 * 1024);
  });

  test('of a field in several pieces are not copied once more', () => {
    // What is there of memory that is larger is not to be taken for it.
    while (memoryOf(100_000).buffer.byteLength > 100_000);
    const kept: Buffer[] = [];
    const decoder = new FrameDecoder(WIDE, {
      onFrame: (frame) => {
        kept.push(frame.bytes(0), frame.bytes(0));
      },
    });
    for (const piece of ['100000\r\n', 'a'.repeat(60_000), 'b'.repeat(40_000), '\r\n\r\n'])
      decoder.push(Buffer.from(piece));

    expect(kept[0]).toHaveLength(100_000);
    expect(kept[0]?.buffer).toBe(kept[1]?.buffer);
    expect(kept[0]?.buffer.byteLength).toBe(100_000);
  });
});

test('the start of a field is as much of it as there is, a character for each octet', () => {
  const starts = readFrame('5\r\nh\xffllo\r\n0\r\n\r\n1\r\nx\r\n\r\n', (frame) => [
    frame.start(0, 3),
    frame.start(0, 5),
    frame.start(0, 100),
    frame.start(1, 3),
    frame.start(2, 3),
  ]);

  expect(starts).toEqual(['h\xffl', 'h\xffllo', 'h\xffllo', '', 'x']);
});

test('a field that is not there cannot be read', () => {
  readFrame('1\r\na\r\n\r\n', (frame) => {
    expect(frame.count).toBe(1);
    for (const read of [() => frame.text(1), () => frame.bytes(1), () => frame.start(1, 1)]) {
      expect(read).toThrow(RangeError);
    }
  });
});

test('a frame is over when the function that got it has returned', () => {
  let kept: Frame | undefined;
  readFrame('1\r\na\r\n\r\n', (frame) => {
    kept = frame;
  });

  expect(kept?.count).toBe(0);
  expect(() => kept?.text(0)).toThrow(RangeError);
});
