import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { decodePayload, encodePayload } from '../../src/classic/payload.js';
import { XtcpError } from '../../src/errors/xtcp-error.js';
import type { PayloadKind } from '../../src/options/payload-kind.js';
import { encodeFrame } from '../../src/wire/encoder.js';
import { readFrame } from '../wire/decode.js';

/** `value` sent as a field and read as `kind` says. */
function overTheWire(value: unknown, kind: PayloadKind): unknown {
  const frame = Buffer.concat(encodeFrame([encodePayload(value)]).pieces.map((piece) => Buffer.from(piece as string)));
  return readFrame(frame, (arrived) => decodePayload(arrived, 0, kind));
}

function refusalOf(run: () => unknown): XtcpError {
  try {
    run();
  } catch (error) {
    if (error instanceof XtcpError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('text', () => {
  test('arrives as it was sent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(overTheWire(text, 'text')).toBe(text);
      }),
    );
  });

  test('keeps a byte order mark and U+FFFD', () => {
    for (const text of ['\uFEFFa', '\uFEFF', '\uFFFD']) expect(overTheWire(text, 'text')).toBe(text);
  });

  test('is not JSON: no quotes are added or taken away', () => {
    expect(encodePayload('a"b')).toBe('a"b');
    expect(overTheWire('"a"', 'text')).toBe('"a"');
  });

  test('with a lone surrogate is refused, and not quoted', () => {
    for (const text of ['secret\uD800', '\uDC00secret']) {
      const error = refusalOf(() => encodePayload(text));

      expect(error.code).toBe('INVALID_ARGUMENT');
      expect(error.message).not.toContain('secret');
    }
  });
});

describe('bytes', () => {
  test('arrive as a Buffer with the octets that were sent', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (octets) => {
        const arrived = overTheWire(octets, 'bytes');

        expect(arrived).toBeInstanceOf(Buffer);
        expect(arrived).toEqual(Buffer.from(octets));
      }),
    );
  });

  test('go out themselves, not as a copy', () => {
    const octets = Buffer.from('hello');

    expect(encodePayload(octets)).toBe(octets);
  });

  test('may be read as text, and text as bytes', () => {
    expect(overTheWire(Buffer.from('小'), 'text')).toBe('小');
    expect(overTheWire('小', 'bytes')).toEqual(Buffer.from('小'));
  });

  test('that are not UTF-8 are refused as text and as JSON, and not quoted', () => {
    for (const kind of ['text', 'json'] as const) {
      const error = refusalOf(() => overTheWire(Buffer.from('secret\xff', 'latin1'), kind));

      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', message: 'field 1 of the frame is not UTF-8' });
    }
  });
});

describe('JSON', () => {
  test('arrives as the value that was sent', () => {
    fc.assert(
      fc.property(
        fc.jsonValue().filter((value) => typeof value !== 'string'),
        (value) => {
          expect(JSON.stringify(overTheWire(value, 'json'))).toBe(JSON.stringify(value));
        },
      ),
    );
  });

  test.each([0, -1.5, true, false, [], {}, { a: [1, null] }])('%j goes as JSON without being told', (value) => {
    expect(encodePayload(value)).toBe(JSON.stringify(value));
  });

  test('of a value that says what it is in JSON is that', () => {
    expect(encodePayload(new Date(0))).toBe('"1970-01-01T00:00:00.000Z"');
  });

  test('may be read from text that holds it', () => {
    expect(overTheWire('{"a":[1]}', 'json')).toEqual({ a: [1] });
    expect(overTheWire(' 1 ', 'json')).toBe(1);
  });

  test('of no octets at all is null', () => {
    for (const value of ['', null, undefined, Buffer.alloc(0)]) expect(overTheWire(value, 'json')).toBeNull();
  });

  test('that is none is refused, and not quoted', () => {
    for (const text of ['secret', '{"secret":', ' ', '\uFEFF{}', '{} secret']) {
      const error = refusalOf(() => overTheWire(text, 'json'));

      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', message: 'field 1 of the frame is not JSON' });
      expect(error.cause).toBeUndefined();
    }
  });
});

test('undefined and null go as no octets', () => {
  for (const value of [undefined, null]) {
    expect(encodePayload(value)).toBe('');
    expect(overTheWire(value, 'text')).toBe('');
    expect(overTheWire(value, 'bytes')).toHaveLength(0);
  }
});

test('a payload is read from the field that is asked for', () => {
  const read = readFrame('1\r\na\r\n2\r\n42\r\n\r\n', (frame) => [
    decodePayload(frame, 0, 'text'),
    decodePayload(frame, 1, 'json'),
  ]);

  expect(read).toEqual(['a', 42]);
  expect(() => readFrame('1\r\n1\r\n1\r\n{\r\n\r\n', (frame) => decodePayload(frame, 1, 'json'))).toThrow('field 2 of');
});

describe('what has no form on the wire is refused', () => {
  const cycle: { secret: string; self?: unknown } = { secret: 'secret' };
  cycle.self = cycle;
  const VALUES: readonly { name: string; value: unknown; says: string }[] = [
    { name: 'a BigInt', value: 7n, says: 'BigInt' },
    { name: 'a BigInt inside', value: { secret: 'secret', size: 7n }, says: 'BigInt' },
    { name: 'a cycle', value: cycle, says: 'circular' },
    { name: 'a function', value: () => 'secret', says: 'it is a function' },
    { name: 'a symbol', value: Symbol('secret'), says: 'it is a symbol' },
  ];

  test.each(VALUES)('$name', ({ value, says }) => {
    const error = refusalOf(() => encodePayload(value));

    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toContain(says);
    expect(error.message).not.toMatch(/secret|\n/);
  });

  test('with the reason as its cause', () => {
    expect(refusalOf(() => encodePayload(7n)).cause).toBeInstanceOf(TypeError);
  });
});
