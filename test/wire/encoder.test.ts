import { assert, constant, constantFrom, dictionary, oneof, option, property, string, tuple } from 'fast-check';
import { describe, expect, test } from 'vitest';

import { encodeFrame, encodeValueFrame, type EncodedFrame, type Field } from '../../src/wire/encoder.js';
import { encodeMetadata } from '../../src/wire/metadata.js';

function octetsOf({ pieces }: EncodedFrame): Buffer {
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece as string)));
}

function bytesOf(fields: readonly Field[]): string {
  return octetsOf(encodeFrame(fields)).toString('latin1');
}

describe('a frame on the wire', () => {
  test('has a length, CRLF, octets and CRLF for each field, and CRLF at its end', () => {
    expect(bytesOf(['toupper', 'xiaoxiao'])).toBe('7\r\ntoupper\r\n8\r\nxiaoxiao\r\n\r\n');
    expect(bytesOf(['a'])).toBe('1\r\na\r\n\r\n');
    expect(bytesOf(['info', ''])).toBe('4\r\ninfo\r\n0\r\n\r\n\r\n');
  });

  test('has lengths in bytes, text being UTF-8', () => {
    expect(bytesOf(['小小'])).toBe(`6\r\n${Buffer.from('小小').toString('latin1')}\r\n\r\n`);
    expect(bytesOf(['\uFEFF'])).toBe('3\r\n\xef\xbb\xbf\r\n\r\n');
  });

  test('keeps its length where text has a lone surrogate, which goes as U+FFFD', () => {
    expect(bytesOf(['a\uD800'])).toBe('4\r\na\xef\xbf\xbd\r\n\r\n');
  });

  test('is the same whether octets come as text, a Buffer or a Uint8Array', () => {
    const expected = '5\r\nhello\r\n2\r\nyo\r\n\r\n';

    for (const hello of ['hello', Buffer.from('hello'), new TextEncoder().encode('hello')]) {
      for (const yo of ['yo', Buffer.from('yo'), new TextEncoder().encode('yo')])
        expect(bytesOf([hello, yo])).toBe(expected);
    }
  });

  test('takes octets from the middle of a larger buffer', () => {
    expect(bytesOf([Buffer.from('hello').subarray(1, 4)])).toBe('3\r\nell\r\n\r\n');
  });

  test('takes empty octets', () => {
    expect(bytesOf([Buffer.alloc(0), new Uint8Array()])).toBe('0\r\n\r\n0\r\n\r\n\r\n');
  });

  test('may carry large text between large octets', () => {
    const large = 'x'.repeat(100_000);

    expect(bytesOf([large, Buffer.from(large), large])).toBe(`100000\r\n${large}\r\n`.repeat(3) + '\r\n');
  });
});

describe('the pieces of a frame', () => {
  test('are one string where every field is text', () => {
    expect(encodeFrame(['a', '小', '']).pieces).toEqual(['1\r\na\r\n3\r\n小\r\n0\r\n\r\n\r\n']);
  });

  test('hold large octets themselves, not a copy', () => {
    const octets = Buffer.alloc(16 * 1024 + 1, 'x');

    expect(encodeFrame(['a', octets, 'b']).pieces).toEqual(['1\r\na\r\n16385\r\n', octets, '\r\n1\r\nb\r\n\r\n']);
    expect(encodeFrame([octets]).pieces[1]).toBe(octets);
  });

  test('hold a copy of small octets, put next to their length', () => {
    const octets = Buffer.alloc(16 * 1024, 'x');
    const pieces = encodeFrame(['a', octets]).pieces;

    expect(pieces).toHaveLength(2);
    expect(pieces).not.toContain(octets);
  });
});

/** Texts of any characters, short ones and those over the sizes from which on frames are made in another way. */
const text = tuple(string({ unit: 'grapheme' }), constantFrom(1, 1, 1, 500, 5000)).map(([one, times]) =>
  one.repeat(times),
);

test('a frame that carries a value is what its fields make', () => {
  const payload = tuple(text, constantFrom(true, false)).map(([one, isText]) => (isText ? one : Buffer.from(one)));
  const metadata = oneof(constant({}), dictionary(text, text, { minKeys: 1, maxKeys: 3 }));
  const limits = { maxMetadataBytes: Infinity, maxMetadataKeys: 3 };
  assert(
    property(option(text, { nil: undefined }), payload, metadata, (pattern, value, object) => {
      const encoded = encodeMetadata(object, limits);
      const fields = ['Qt1', pattern, value, encoded.json === '' ? undefined : encoded.json];
      const expected = encodeFrame(fields.filter((field) => field !== undefined));
      const frame = encodeValueFrame('Qt1', pattern, value, encoded);

      expect(octetsOf(frame).equals(octetsOf(expected))).toBe(true);
      expect([frame.bytes, frame.fieldBytes]).toEqual([expected.bytes, expected.fieldBytes]);
      expect(frame.bytes).toBe(octetsOf(frame).length);
    }),
  );
});
