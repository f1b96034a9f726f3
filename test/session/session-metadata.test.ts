import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodeMetadata, encodeMetadata, receiveMetadata, type Metadata } from '../../src/wire/metadata.js';
import { arrived, codeOf, LIMITS } from './session-play.js';

const decode = (field: string | Buffer): Metadata | undefined => decodeMetadata(arrived('C1', field), 1, LIMITS);
const encode = (metadata: Metadata | undefined): string => encodeMetadata(metadata, LIMITS).json;

/** Metadata whose JSON has so many bytes. */
const ofBytes = (bytes: number): Metadata => ({ k: 'v'.repeat(bytes - '{"k":""}'.length) });
const ofKeys = (keys: number): Metadata =>
  Object.fromEntries(Array.from({ length: keys }, (_, index) => [`k${index}`, 'v']));

/** Much of it plain, some of what JSON escapes or an object orders by itself. */
const word = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('tenant', '__proto__', 'toJSON', '10', '9', '"', '\\', '\n', '\u007f', '\ud800', '","a":"'),
);

/** What looks like JSON, and often is. */
const almostJson = fc.oneof(
  fc.dictionary(word, word).map((metadata) => JSON.stringify(metadata)),
  fc.array(fc.tuple(fc.constantFrom('a', 'b', '1', '__proto__', '\u00e4'), word)).map(
    // A key may come twice.
    (pairs) => `{${pairs.map(([key, value]) => `"${key}":${JSON.stringify(value)}`).join(',')}}`,
  ),
  fc
    .array(fc.constantFrom('{"', '":"', '","', '"}', '{', '}', '"', ':', ',', 'a', '1', '\\', ' ', '\n', '\u0001'))
    .map((parts) => parts.join('')),
  fc.constantFrom(
    '{}',
    '{"":""}',
    '{"a":"b",}',
    '{"a":"b"}{"a":"b"}',
    '{"a":"b","c":"d"} ',
    '{"a":"b"}"}',
    '{"a":"b"\u2028}',
  ),
);

/** What JSON.parse makes of it. */
function parsed(json: string): unknown {
  try {
    const value = JSON.parse(json) as unknown;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'INVALID_ARGUMENT';
    const entries = Object.entries(value);
    return entries.every(([, entry]) => typeof entry === 'string') ? entries : 'INVALID_ARGUMENT';
  } catch {
    return 'INVALID_ARGUMENT';
  }
}

describe('metadata', () => {
  it('is sent as JSON.stringify writes it', () => {
    fc.assert(
      fc.property(fc.dictionary(word, word, { minKeys: 1 }), (metadata) => {
        expect(encode(metadata)).toBe(JSON.stringify(metadata));
        // Those that were sent before are known.
        expect(encode(metadata)).toBe(JSON.stringify(metadata));
      }),
      { numRuns: 1000 },
    );
  });

  it('is read as JSON.parse does, whatever comes', () => {
    fc.assert(
      fc.property(almostJson, (json) => {
        fc.pre(json !== '');
        let metadata: Metadata | undefined;
        const code = codeOf(() => {
          metadata = decode(json);
        });
        expect(code ?? Object.entries(metadata ?? {})).toEqual(parsed(json));
      }),
      { numRuns: 3000 },
    );
  });

  it.each([{ toJSON: () => ({ k: 'v' }) }, ['a'], new (class Own extends String {})('ab')])(
    'of a class is what that class makes of itself: %j',
    (own) => {
      const metadata = Object.assign(Object.create(own) as object, { a: 'b' });
      expect(encode(metadata as unknown as Metadata)).toBe(JSON.stringify(metadata));
    },
  );

  it('that has arrived is one object, however often it is asked for', () => {
    const received = receiveMetadata(arrived('C1', '{"k":"v"}'), 1, LIMITS);
    expect(received?.value).toEqual({ k: 'v' });
    expect(received?.value).toBe(received?.value);
  });

  it('of one caller is not that of another', () => {
    const one = decode('{"k":"v"}')!;
    one['k'] = 'changed';
    expect(decode('{"k":"v"}')).toEqual({ k: 'v' });
  });

  it('arrives as it was sent', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), { minKeys: 1 }),
        (metadata) => {
          expect(Object.entries(decode(encode(metadata)) ?? {})).toEqual(Object.entries(metadata));
        },
      ),
    );
  });

  it('of nothing is an empty field, and an empty field or none is no metadata', () => {
    expect(encode(undefined)).toBe('');
    expect(encode({})).toBe('');
    expect(decode('')).toBeUndefined();
    expect(decodeMetadata(arrived('C1'), 1, LIMITS)).toBeUndefined();
  });

  it('arrives without a prototype, so that no key means more than it says', () => {
    const metadata = decode('{"__proto__":"a","constructor":"b"}');
    expect(Object.getPrototypeOf(metadata)).toBeNull();
    expect(Object.entries(metadata ?? {})).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
    expect(metadata?.['toString']).toBeUndefined();
  });

  it('may be as large as every peer takes, and no larger', () => {
    const largest = encode(ofBytes(LIMITS.maxMetadataBytes));
    expect(Buffer.byteLength(largest)).toBe(8192);
    expect(decode(largest)).toEqual(ofBytes(LIMITS.maxMetadataBytes));
    expect(codeOf(() => encode(ofBytes(LIMITS.maxMetadataBytes + 1)))).toBe('INVALID_ARGUMENT');
    expect(codeOf(() => decode(JSON.stringify(ofBytes(LIMITS.maxMetadataBytes + 1))))).toBe('RESOURCE_EXHAUSTED');
  });

  it('is measured in bytes, not in characters', () => {
    const characters = { k: '\u00e4'.repeat(LIMITS.maxMetadataBytes / 2) };
    expect(codeOf(() => encode(characters))).toBe('INVALID_ARGUMENT');
    expect(codeOf(() => decode(JSON.stringify(characters)))).toBe('RESOURCE_EXHAUSTED');
  });

  it('may have as many keys as every peer takes, and no more', () => {
    expect(Object.keys(decode(encode(ofKeys(LIMITS.maxMetadataKeys))) ?? {})).toHaveLength(64);
    expect(codeOf(() => encode(ofKeys(LIMITS.maxMetadataKeys + 1)))).toBe('INVALID_ARGUMENT');
    expect(codeOf(() => decode(JSON.stringify(ofKeys(LIMITS.maxMetadataKeys + 1))))).toBe('RESOURCE_EXHAUSTED');
  });

  it.each([1, null, undefined, true, {}, ['a']])(
    'to be sent with a value that is no string is refused: %j',
    (value) => {
      expect(codeOf(() => encode({ k: value } as unknown as Metadata))).toBe('INVALID_ARGUMENT');
    },
  );

  it.each(['{"k":1}', '{"k":null}', '{"k":{}}', '["a"]', '"a"', '1', 'null', '{', '\uFEFF{}'])(
    'that arrives as anything but a JSON object of strings is refused: %s',
    (field) => {
      expect(codeOf(() => decode(field))).toBe('INVALID_ARGUMENT');
    },
  );

  it('that is not UTF-8 is refused', () => {
    expect(codeOf(() => decode(Buffer.from([0x7b, 0xff, 0x7d])))).toBe('INVALID_ARGUMENT');
  });

  it('that arrives with one key twice has the later value', () => {
    expect(decode('{"k":"a","k":"b"}')).toEqual({ k: 'b' });
    const manyTimes = Array.from({ length: LIMITS.maxMetadataKeys + 1 }, (_, index) => `"k":"${index}"`);
    expect(decode(`{${manyTimes.join(',')}}`)).toEqual({ k: `${LIMITS.maxMetadataKeys}` });
  });
});
