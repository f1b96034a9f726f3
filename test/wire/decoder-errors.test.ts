import { describe, expect, test } from 'vitest';

import { byteByByte, cutEveryWay, decode } from './decode.js';

const LIMITS = { maxFrameBytes: 10, maxFields: 3 };

/** `byte`: where the error is, counted from the first byte of its frame, which is 0. */
const MALFORMED: readonly { name: string; bytes: string; byte: number; says: string }[] = [
  { name: 'a frame without a field', bytes: '\r\n', byte: 0, says: 'expected a digit' },
  { name: 'a letter in front', bytes: 'GET / HTTP/1.1\r\n\r\n', byte: 0, says: 'expected a digit' },
  { name: 'a blank in front', bytes: ' 2\r\nhi\r\n\r\n', byte: 0, says: 'expected a digit' },
  { name: 'a negative length', bytes: '-1\r\n\r\n\r\n', byte: 0, says: 'expected a digit' },
  { name: 'a length with a sign', bytes: '+1\r\na\r\n\r\n', byte: 0, says: 'expected a digit' },
  { name: 'the character before 0', bytes: '/', byte: 0, says: 'expected a digit' },
  { name: 'the character behind 9', bytes: ':', byte: 0, says: 'expected a digit' },
  { name: 'a letter in a length', bytes: '2x\r\nhi', byte: 1, says: 'a further digit of a length or the CR' },
  { name: 'a hexadecimal length', bytes: '0x2\r\nhi', byte: 1, says: 'a further digit of a length or the CR' },
  { name: 'a blank behind a length', bytes: '2 \r\nhi', byte: 1, says: 'a further digit of a length or the CR' },
  { name: 'a fraction', bytes: '2.0\r\nhi', byte: 1, says: 'a further digit of a length or the CR' },
  { name: 'LF without CR behind a length', bytes: '2\nhi\n\n', byte: 1, says: 'a further digit of a length or the CR' },
  { name: 'CR without LF behind a length', bytes: '2\rhi', byte: 2, says: 'the LF behind a length' },
  { name: 'a field longer than its length', bytes: '1\r\nhi\r\n\r\n', byte: 4, says: 'the CR behind a field' },
  { name: 'octets behind the length 0', bytes: '0\r\na\r\n\r\n', byte: 3, says: 'the CR behind a field' },
  { name: 'LF without CR behind a field', bytes: '1\r\na\n', byte: 4, says: 'the CR behind a field' },
  { name: 'CR without LF behind a field', bytes: '1\r\na\r1', byte: 5, says: 'the LF behind a field' },
  { name: 'a letter where a frame goes on', bytes: '1\r\na\r\nb', byte: 6, says: 'or the CR that ends the frame' },
  { name: 'LF where a frame ends', bytes: '1\r\na\r\n\n', byte: 6, says: 'or the CR that ends the frame' },
  { name: 'CR without LF at the end of a frame', bytes: '1\r\na\r\n\r1', byte: 7, says: 'the LF that ends the frame' },
  { name: 'a leading zero', bytes: '01\r\na\r\n\r\n', byte: 1, says: 'no leading zeros' },
  { name: 'two zeros', bytes: '00\r\n\r\n\r\n', byte: 1, says: 'no leading zeros' },
  { name: 'a leading zero in a further field', bytes: '1\r\na\r\n01', byte: 7, says: 'no leading zeros' },
  { name: 'a length of eleven digits', bytes: '10000000000\r\n', byte: 10, says: 'at most 10 digits' },
  { name: 'a field too many', bytes: '0\r\n\r\n0\r\n\r\n0\r\n\r\n0\r\n\r\n\r\n', byte: 15, says: 'may have 3 fields' },
];

describe.each(MALFORMED)('$name', ({ bytes, byte, says }) => {
  test('is refused with the byte that is wrong', () => {
    cutEveryWay(bytes, (pieces) => {
      const { frames, error } = decode(pieces, LIMITS);

      expect(frames).toEqual([]);
      expect(error).toMatchObject({ name: 'XtcpError', code: 'PROTOCOL_ERROR' });
      expect(error?.message).toContain(says);
      expect(error?.message).toMatch(new RegExp(`, at byte ${byte}$`));
    });
  });

  test('is refused as soon as that byte is there', () => {
    expect(decode(byteByByte(Buffer.from(bytes, 'latin1')), LIMITS).taken).toBe(byte);
  });

  test('is refused behind a good frame, which is handed over', () => {
    cutEveryWay(`1\r\na\r\n\r\n${bytes}`, (pieces) => {
      const { frames, error } = decode(pieces, LIMITS);

      expect(frames).toEqual([['a']]);
      expect(error?.message).toMatch(new RegExp(`, at byte ${byte}$`));
    });
  });
});

test('a field shorter than its length is waited for', () => {
  expect(decode([Buffer.from('9\r\nhi\r\n\r\n')], LIMITS)).toMatchObject({
    frames: [],
    error: undefined,
    midFrame: true,
  });
});

test('a refused field is not quoted', () => {
  const { error } = decode([Buffer.from('6\r\nsecret0000\r\n')], LIMITS);

  expect(error?.message).toMatch(/, at byte 9$/);
  expect(error?.message).not.toMatch(/secret|000/);
});

/** A frame of that many fields of a byte each. */
function frameOf(fields: number): string {
  return '1\r\na\r\n'.repeat(fields) + '\r\n';
}

describe('maxFields', () => {
  test.each([1, 2, 3])('%d may be there, one more may not', (maxFields) => {
    const limits = { maxFrameBytes: 10, maxFields };

    cutEveryWay(frameOf(maxFields).repeat(2), (pieces) => {
      expect(decode(pieces, limits)).toMatchObject({ frames: [{ length: maxFields }, { length: maxFields }] });
    });
    cutEveryWay(frameOf(maxFields + 1), (pieces) => {
      expect(decode(pieces, limits)).toMatchObject({ frames: [], error: { code: 'PROTOCOL_ERROR' } });
    });
  });

  test('one field too many is refused with the first digit of its length', () => {
    const { error, taken } = decode(byteByByte(Buffer.from(frameOf(2))), { maxFrameBytes: 10, maxFields: 1 });

    expect(taken).toBe(6);
    expect(error?.message).toContain('may have 1 field, at byte 6');
  });
});

describe('maxFrameBytes', () => {
  test('a field of just as many bytes is taken', () => {
    cutEveryWay('10\r\n0123456789\r\n\r\n', (pieces) => {
      expect(decode(pieces, LIMITS)).toMatchObject({ frames: [['0123456789']], error: undefined });
    });
  });

  test('fields of just as many bytes together are taken, frame after frame', () => {
    cutEveryWay('4\r\nabcd\r\n6\r\nefghij\r\n0\r\n\r\n\r\n'.repeat(3), (pieces) => {
      const { frames, error } = decode(pieces, LIMITS);

      expect(error).toBeUndefined();
      expect(frames).toEqual(Array.from({ length: 3 }, () => ['abcd', 'efghij', '']));
    });
  });

  test('a field of one byte more is refused', () => {
    cutEveryWay('11\r\n0123456789x\r\n\r\n', (pieces) => {
      const { frames, error } = decode(pieces, LIMITS);

      expect(frames).toEqual([]);
      expect(error).toMatchObject({ name: 'XtcpError', code: 'RESOURCE_EXHAUSTED' });
      expect(error?.message).toContain('11 bytes or more is over maxFrameBytes, 10');
    });
  });

  test('fields of one byte more together are refused', () => {
    cutEveryWay('4\r\nabcd\r\n7\r\nefghijk\r\n\r\n', (pieces) => {
      expect(decode(pieces, LIMITS)).toMatchObject({ frames: [], error: { code: 'RESOURCE_EXHAUSTED' } });
    });
  });

  test('a length over it is refused at the CR behind its digits', () => {
    expect(decode(byteByByte(Buffer.from('11\r\n')), LIMITS).taken).toBe(2);
    expect(decode(byteByByte(Buffer.from('9999999999\r\n')), LIMITS)).toMatchObject({
      error: { code: 'RESOURCE_EXHAUSTED' },
      taken: 10,
    });
  });

  test('the error names the byte behind the length', () => {
    expect(decode([Buffer.from('4\r\nabcd\r\n7\r\n')], LIMITS).error?.message).toContain('the length before byte 10');
  });
});
