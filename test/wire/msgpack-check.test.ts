import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { isPlainMessagePack } from '../../src/wire/msgpack-check.js';
import { requireMsgpack } from '../../src/wire/msgpack.js';

const msgpack = requireMsgpack('this test');
const values = fc.anything({ withDate: true, withTypedArray: true, withNullPrototype: true, maxDepth: 4 });

function octets(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}

/** Undefined where the value has no MessagePack. */
function packed(value: unknown): Buffer | undefined {
  try {
    return Buffer.from(msgpack.pack(value));
  } catch {
    return undefined;
  }
}

test('whatever is packed is plain, and its parts are not', () => {
  fc.assert(
    fc.property(values, fc.nat(), (value, cut) => {
      const whole = packed(value);
      fc.pre(whole !== undefined);
      expect(isPlainMessagePack(whole)).toBe(true);
      expect(isPlainMessagePack(whole.subarray(0, cut % whole.length))).toBe(false);
      expect(isPlainMessagePack(Buffer.concat([whole, octets('c0')]))).toBe(false);
    }),
  );
});

test('what is plain and not too deep can be unpacked', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
      fc.pre(isPlainMessagePack(bytes));
      expect(() => msgpack.unpack(Buffer.from(bytes))).not.toThrow();
    }),
    { numRuns: 1000 },
  );
});

describe('is plain:', () => {
  test.each([
    ['nil', 'c0'],
    [
      'every number',
      '9d007fe0ffca00000000cb0000000000000000cc01cd0001ce00000001cf0000000000000001d0ffd1ffffd2ffffffff',
    ],
    ['texts', '94a161d90161da000161db0000000161'],
    ['binaries', '93c40100c5000100c60000000100'],
    ['arrays', '93 9100 dc000100 dd0000000100'],
    ['maps', '93 810000 de00010000 df000000010000'],
    ['timestamps', '93 d6ff00000000 d7ff0000000000000000 c70cff000000000000000000000000'],
  ])('%s', (_what, hex) => {
    expect(isPlainMessagePack(octets(hex.replaceAll(' ', '')))).toBe(true);
  });
});

describe('is not plain:', () => {
  test.each([
    ['nothing at all', ''],
    ['the code that is never used', 'c1'],
    ['a regular expression', 'd4780092a3612b2ba167'],
    ['an error', 'd4650092a54572726f72a178'],
    ['a set', 'd47300920102'],
    ['a record of a library', 'd4724091a16105'],
    ['another extension', 'd60100000000'],
    ['another extension with a length', 'c7010100'],
    ['another extension inside of a map', '81a161d40100'],
    ['a text that ends early', 'a261'],
    ['a binary that ends early', 'c60000000200'],
    ['an array of more than there is', 'ddffffffff00'],
    ['a map of more than there is', 'dfffffffff0000'],
    ['two values', '0000'],
  ])('%s', (_what, hex) => {
    expect(isPlainMessagePack(octets(hex))).toBe(false);
  });
});

const nested = (depth: number): Buffer => Buffer.concat([Buffer.alloc(depth, 0x91), Buffer.from([0xc0])]);

test('arrays in arrays are taken a thousand deep, and no deeper, however deep they are', () => {
  expect(isPlainMessagePack(nested(1000))).toBe(true);
  expect(isPlainMessagePack(nested(1001))).toBe(false);
  expect(isPlainMessagePack(nested(1_000_000))).toBe(false);
});

/** An array of so many times the same octets. */
const times = (count: number, ...pairs: number[]): Buffer =>
  Buffer.concat([
    Buffer.from([0xdd, 0, 0, count >> 8, count & 0xff]),
    ...Array.from({ length: count }, () => Buffer.from(pairs)),
  ]);

describe('keys that are whole numbers', () => {
  test.each([
    ['as numbers of one byte', [0x81, 0xcc, 0xff, 0xc0]],
    ['as numbers of two bytes', [0x81, 0xcd, 0x03, 0xff, 0xc0]],
    ['as texts', [0x81, 0xa4, 0x31, 0x30, 0x32, 0x33, 0xc0]],
  ])('%s are taken in some objects, and refused in so many that they would take far more memory', (_how, one) => {
    expect(isPlainMessagePack(times(1, ...one))).toBe(true);
    expect(isPlainMessagePack(times(20_000, ...one))).toBe(false);
  });

  test('are taken in any number where the objects are full', () => {
    const full = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [index, 'value']));
    expect(isPlainMessagePack(requireMsgpack('a test').pack([full, full, full, full, full, full]))).toBe(true);
  });
});
