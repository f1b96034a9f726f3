import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Kind, MAX_HEAD_BYTES, type Head } from '../../src/wire/head.js';
import { arrived, codeOf } from './session-play.js';

const { MAX_SAFE_INTEGER } = Number;
const WITH_CODEC = ['Q', 'O', 'V', 'A', 'N'];
const WITHOUT_CODEC = ['C', 'E', 'X', 'W', 'P', 'R'];

/** The head of a frame of which `text` is the first field. */
function parseHead(text: string): Head {
  return arrived(text).head();
}

describe('a head', () => {
  it('of a kind with a payload has a codec letter, an id and the numbers behind it', () => {
    for (const kind of WITH_CODEC) {
      expect(parseHead(`${kind}t7`)).toEqual({ kind, codec: 't', id: 7, first: undefined, second: undefined });
      expect(parseHead(`${kind}-12 34 56`)).toEqual({ kind, codec: '-', id: 12, first: 34, second: 56 });
    }
  });

  it('of a kind without a payload has no codec letter', () => {
    for (const kind of WITHOUT_CODEC) {
      expect(parseHead(`${kind}7`)).toEqual({ kind, codec: '', id: 7, first: undefined, second: undefined });
      expect(parseHead(`${kind}7 1`)).toMatchObject({ kind, codec: '', id: 7, first: 1 });
    }
  });

  it('is known for every kind, and going away has neither id nor numbers', () => {
    const known = new Set<string>(Object.values(Kind));
    expect(known).toEqual(new Set([...WITH_CODEC, ...WITHOUT_CODEC, 'G']));
    expect(parseHead('G')).toEqual({ kind: 'G', codec: '', id: 0, first: undefined, second: undefined });
  });

  it('gives back the numbers that it was made of', () => {
    const number = fc.integer({ min: 0, max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(fc.constantFrom('j', 'm', '?'), fc.maxSafeNat(), number, number, (codec, id, first, second) => {
        expect(parseHead(`Q${codec}${id} ${first} ${second}`)).toEqual({ kind: 'Q', codec, id, first, second });
      }),
    );
  });

  it('skips numbers beyond those that the kind has', () => {
    expect(parseHead('Vt3 1 500 9 9 9')).toMatchObject({ id: 3, first: 1, second: 500 });
    expect(parseHead('X3 4 5 6')).toMatchObject({ kind: 'X', id: 3 });
  });

  it('has numbers up to 2^53-1 and no greater', () => {
    expect(parseHead(`Qt${MAX_SAFE_INTEGER}`).id).toBe(MAX_SAFE_INTEGER);
    expect(parseHead(`W0 ${MAX_SAFE_INTEGER}`)).toMatchObject({ id: 0, first: MAX_SAFE_INTEGER });
    for (const number of ['9007199254740992', '9007199254740993', '99999999999999999999']) {
      expect(codeOf(() => parseHead(`Qt${number}`))).toBe('PROTOCOL_ERROR');
      expect(codeOf(() => parseHead(`W1 ${number}`))).toBe('PROTOCOL_ERROR');
    }
  });

  it('of a kind that is not known is read up to its letter', () => {
    for (const kind of ['z', 'a', 'F', 'Z']) {
      const head = { kind, codec: '', id: 0, first: undefined, second: undefined };
      expect(parseHead(kind)).toEqual(head);
      expect(parseHead(`${kind} what-ever\r\n`)).toEqual(head);
    }
  });

  it('of up to 64 bytes is read, and a longer one is a protocol error', () => {
    const longest = `Qt1${' 1'.repeat(30)}1`;
    expect(longest).toHaveLength(MAX_HEAD_BYTES);
    expect(parseHead(longest)).toMatchObject({ id: 1, first: 1 });
    expect(codeOf(() => parseHead(`${longest}1`))).toBe('PROTOCOL_ERROR');
    expect(codeOf(() => parseHead(`z${'x'.repeat(MAX_HEAD_BYTES)}`))).toBe('PROTOCOL_ERROR');
  });

  it.each([
    ['nothing', ''],
    ['no letter first', '7'],
    ['a space first', ' Qt1'],
    ['a letter that is not ASCII', '\u00e41'],
    ['a kind alone', 'Q'],
    ['no id', 'Qt'],
    ['no id behind a kind without codec', 'X'],
    ['no codec', 'Q1'],
    ['a leading zero', 'Qt01'],
    ['a leading zero in a further number', 'Qt1 00'],
    ['a sign', 'Qt-1'],
    ['a plus', 'W1 +1'],
    ['a fraction', 'W1 1.5'],
    ['an exponent', 'W1 1e3'],
    ['a hexadecimal number', 'W1 0x1'],
    ['a space at its end', 'X1 '],
    ['two spaces', 'W1  1'],
    ['a tab', 'W1\t1'],
    ['a line end', 'X1\r\n'],
    ['a letter behind the id', 'X1a'],
    ['a space before the id', 'X 1'],
    ['a digit of another script', 'X\u0661'],
  ])('with %s is a protocol error', (_what, text) => {
    expect(codeOf(() => parseHead(text))).toBe('PROTOCOL_ERROR');
  });

  it('of any text is either read or a protocol error', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (text) => {
        expect(['PROTOCOL_ERROR', undefined]).toContain(codeOf(() => parseHead(text)));
      }),
    );
  });
});
