import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodeValue, encodeValue, toJson, type Packer } from '../../src/wire/codec.js';
import { findMsgpack, requireMsgpack } from '../../src/wire/msgpack.js';
import { arrived, codeOf, thrownBy } from './session-play.js';

const msgpack = requireMsgpack('this test');

/** What arrives where `value` is sent. */
function sent(value: unknown, packer?: Packer): unknown {
  const { letter, payload } = encodeValue(value, packer);
  return decodeValue(arrived('Nx1', payload), 1, letter, packer);
}

const letterOf = (value: unknown, packer?: Packer): string => encodeValue(value, packer).letter;

describe('a value', () => {
  it('arrives as the text that it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(letterOf(text)).toBe('t');
        expect(sent(text)).toBe(text);
        expect(sent(text, msgpack)).toBe(text);
      }),
    );
  });

  it('of text keeps a byte order mark, line ends and U+FFFD', () => {
    for (const text of ['\uFEFF', '\uFEFFa', 'a\r\n\0b', '\uFFFD', '']) {
      expect(letterOf(text)).toBe('t');
      expect(sent(text)).toBe(text);
    }
  });

  it('of text with a lone surrogate goes as JSON, and arrives as it was', () => {
    for (const text of ['\uD800', 'a\uDC00b', '\uDC00\uD800']) {
      expect(letterOf(text)).toBe('j');
      expect(sent(text)).toBe(text);
    }
  });

  it('of text with a lone surrogate goes as JSON where MessagePack is asked for, which cannot hold it', () => {
    expect(letterOf('\uD800', msgpack)).toBe('j');
    expect(sent('\uD800', msgpack)).toBe('\uD800');
  });

  it('of octets arrives as a Buffer of the same octets', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (octets) => {
        for (const value of [octets, Buffer.from(octets)]) {
          expect(letterOf(value)).toBe('b');
          expect(letterOf(value, msgpack)).toBe('b');
          expect(sent(value)).toEqual(Buffer.from(octets));
          expect(Buffer.isBuffer(sent(value))).toBe(true);
        }
      }),
    );
  });

  it('of undefined goes as nothing, whichever codec is asked for', () => {
    for (const packer of [undefined, msgpack]) {
      expect(encodeValue(undefined, packer)).toEqual({ letter: '-', payload: '' });
      expect(sent(undefined, packer)).toBeUndefined();
    }
  });

  it('of any other type goes as JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        fc.pre(typeof value !== 'string');
        expect(letterOf(value)).toBe('j');
        expect(sent(value)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
    expect([null, true, false, 0, 1.5, [], {}, '1'].map((value) => sent(value))).toEqual([
      null,
      true,
      false,
      0,
      1.5,
      [],
      {},
      '1',
    ]);
  });

  it('goes as MessagePack where it is asked for', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        // msgpackr gives that key another name, to keep prototypes safe.
        fc.pre(typeof value !== 'string' && !JSON.stringify(value).includes('__proto__'));
        expect(letterOf(value, msgpack)).toBe('m');
        expect(sent(value, msgpack)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('as MessagePack keeps dates and octets inside of objects', () => {
    const value = { at: new Date(1_500_000_000_123), octets: Buffer.from('hi'), deep: [{ at: new Date(0) }] };
    const got = sent(value, msgpack) as typeof value;
    expect(got).toEqual(value);
    expect(got.at).toBeInstanceOf(Date);
    expect(Buffer.isBuffer(got.octets)).toBe(true);
  });

  it('as MessagePack is plain: an object is a map, with no extension type', () => {
    const { payload } = encodeValue({ a: [1, null] }, msgpack);
    const octets = Buffer.from(payload as Uint8Array);
    // A fixmap or a map 16, then fixstr "a", then a fixarray of 1 and nil.
    expect(['81a1619201c0', 'de0001a1619201c0']).toContain(octets.toString('hex'));
  });
});

describe('memory', () => {
  it('of decoded octets is not that of the frame', () => {
    const frame = arrived('Nb1', 'abc');
    const value = decodeValue(frame, 1, 'b', undefined) as Buffer;
    const again = decodeValue(frame, 1, 'b', undefined) as Buffer;
    value.fill(0);
    expect(again.toString()).toBe('abc');
    expect(frame.text(1)).toBe('abc');
  });

  it('of octets inside of MessagePack is not that of the frame', () => {
    const frame = arrived('Nm1', encodeValue({ octets: Buffer.from('abc') }, msgpack).payload);
    const value = decodeValue(frame, 1, 'm', msgpack) as { octets: Buffer };
    value.octets.fill(0);
    expect(decodeValue(frame, 1, 'm', msgpack)).toEqual({ octets: Buffer.from('abc') });
  });

  it('of one MessagePack payload is not used for the next', () => {
    const first = encodeValue({ n: 1 }, msgpack).payload;
    const before = Buffer.from(first as Uint8Array);
    for (let n = 2; n < 100; n++) encodeValue({ n }, msgpack);
    expect(Buffer.from(first as Uint8Array)).toEqual(before);
  });
});

describe('what cannot be sent', () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);

  it.each([
    ['a BigInt', 1n],
    ['a BigInt inside', { deep: [1n] }],
    ['a cycle', cycle],
    ['a function', () => 1],
    ['a symbol', Symbol('secret')],
    ['a toJSON that throws', { toJSON: () => JSON.parse('{') as unknown }],
  ])('as JSON is an invalid argument: %s', (_what, value) => {
    expect(codeOf(() => encodeValue(value, undefined))).toBe('INVALID_ARGUMENT');
  });

  it.each([
    ['a BigInt over 64 bits', 2n ** 70n],
    ['a cycle', cycle],
    ['a symbol', Symbol('secret')],
    ['a function', () => 1],
  ])('as MessagePack is an invalid argument: %s', (_what, value) => {
    expect(codeOf(() => encodeValue(value, msgpack))).toBe('INVALID_ARGUMENT');
  });

  it('is told in one line', () => {
    expect(() => toJson(cycle)).toThrow(/^the value cannot be sent as JSON: [^\n]+$/);
  });
});

describe('a payload', () => {
  it.each([
    ['text that is not UTF-8', 't', Buffer.from([0xff])],
    ['octets where there is no value', '-', 'a'],
    ['JSON that is none', 'j', '{"secret'],
    ['JSON that is empty', 'j', ''],
    ['JSON behind a byte order mark', 'j', '\uFEFF1'],
    ['JSON that is not UTF-8', 'j', Buffer.from([0x22, 0xff, 0x22])],
    ['MessagePack that is none', 'm', Buffer.from([0x92, 0x01])],
    ['MessagePack that is empty', 'm', ''],
    ['MessagePack with more behind it', 'm', Buffer.from([1, 2])],
    ['MessagePack with an unknown extension', 'm', Buffer.from([0xd4, 0x50, 0x02])],
  ])('of %s is an invalid argument', (_what, letter, payload) => {
    expect(codeOf(() => decodeValue(arrived('x', payload), 1, letter, msgpack))).toBe('INVALID_ARGUMENT');
  });

  it('is not quoted in the error, nor kept in it', () => {
    const error = thrownBy(() => decodeValue(arrived('x', '{"secret'), 1, 'j', undefined)) as Error;
    expect(error.message).not.toContain('secret');
    expect(error.cause).toBeUndefined();
  });

  it.each(['m', 'x', '', 'T', '0'])('in the codec "%s", which was not agreed on, is a protocol error', (letter) => {
    expect(codeOf(() => decodeValue(arrived('x', 'a'), 1, letter, undefined))).toBe('PROTOCOL_ERROR');
  });
});

it('MessagePack is loaded once', () => {
  expect(findMsgpack()).toBe(msgpack);
});
