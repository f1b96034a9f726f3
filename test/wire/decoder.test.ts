import { describe, expect, test } from 'vitest';

import { byteByByte, cut, cutEveryWay, decode } from './decode.js';

const everyOctet = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet)).toString('latin1');
const long = 'x'.repeat(1000);

const CASES: readonly { name: string; bytes: string; frames: string[][] }[] = [
  { name: 'one field', bytes: '2\r\nhi\r\n\r\n', frames: [['hi']] },
  {
    name: 'two fields',
    bytes: '7\r\ntoupper\r\n8\r\nxiaoxiao\r\n\r\n',
    frames: [['toupper', 'xiaoxiao']],
  },
  { name: 'one empty field', bytes: '0\r\n\r\n\r\n', frames: [['']] },
  { name: 'an empty field at the end', bytes: '4\r\ninfo\r\n0\r\n\r\n\r\n', frames: [['info', '']] },
  { name: 'an empty field in front', bytes: '0\r\n\r\n1\r\na\r\n\r\n', frames: [['', 'a']] },
  { name: 'nothing but empty fields', bytes: '0\r\n\r\n0\r\n\r\n0\r\n\r\n\r\n', frames: [['', '', '']] },
  { name: 'CRLF as a field', bytes: '2\r\n\r\n\r\n\r\n', frames: [['\r\n']] },
  { name: 'CRLF inside a field', bytes: '4\r\na\r\nb\r\n\r\n', frames: [['a\r\nb']] },
  { name: 'CRLFCRLF as a field', bytes: '4\r\n\r\n\r\n\r\n\r\n', frames: [['\r\n\r\n']] },
  { name: 'CRLFCRLF inside a field', bytes: '6\r\na\r\n\r\nb\r\n1\r\nc\r\n\r\n', frames: [['a\r\n\r\nb', 'c']] },
  { name: 'a whole frame inside a field', bytes: '8\r\n1\r\na\r\n\r\n\r\n\r\n', frames: [['1\r\na\r\n\r\n']] },
  { name: 'lone CR and LF in fields', bytes: '1\r\n\r\r\n1\r\n\n\r\n\r\n', frames: [['\r', '\n']] },
  { name: 'a field of digits', bytes: '3\r\n123\r\n1\r\n4\r\n\r\n', frames: [['123', '4']] },
  { name: 'octets of every value', bytes: `256\r\n${everyOctet}\r\n\r\n`, frames: [[everyOctet]] },
  { name: 'a length of several digits', bytes: `1000\r\n${long}\r\n\r\n`, frames: [[long]] },
  { name: 'a length of ten', bytes: '10\r\n0123456789\r\n\r\n', frames: [['0123456789']] },
  {
    name: 'several frames, each with as many fields as it likes',
    bytes: '1\r\na\r\n\r\n1\r\nb\r\n1\r\nc\r\n\r\n0\r\n\r\n\r\n3\r\n\r\nd\r\n\r\n',
    frames: [['a'], ['b', 'c'], [''], ['\r\nd']],
  },
];

describe('frames are read as they were sent, however they are cut', () => {
  test.each(CASES)('$name', ({ bytes, frames }) => {
    cutEveryWay(bytes, (pieces) => {
      expect(decode(pieces)).toMatchObject({ frames, error: undefined, midFrame: false });
    });
  });
});

describe('a frame is handed over with its last byte, not before', () => {
  test.each(CASES)('$name', ({ bytes, frames }) => {
    const withoutLast = decode(byteByByte(Buffer.from(bytes, 'latin1').subarray(0, -1)));

    expect(withoutLast.frames).toEqual(frames.slice(0, -1));
    expect(withoutLast).toMatchObject({ error: undefined, midFrame: true });
  });
});

test('a frame cut in two at any place is the same frame', () => {
  for (const { bytes, frames } of CASES) {
    const whole = Buffer.from(bytes, 'latin1');
    for (let at = 0; at <= whole.length; at++) expect(decode(cut(whole, [at])).frames).toEqual(frames);
  }
});

test('ten thousand frames in one piece are handed over in order', () => {
  const count = 10_000;
  let bytes = '';
  for (let number = 0; number < count; number++) bytes += `${String(number).length}\r\n${number}\r\n\r\n`;

  const { frames, midFrame } = decode([Buffer.from(bytes)]);

  expect(frames).toEqual(Array.from({ length: count }, (_, number) => [String(number)]));
  expect(midFrame).toBe(false);
});

test('a piece without bytes changes nothing', () => {
  const nothing = Buffer.alloc(0);
  const pieces = [nothing, Buffer.from('1\r\n'), nothing, Buffer.from('a\r\n\r\n'), nothing];

  expect(decode(pieces)).toMatchObject({ frames: [['a']], midFrame: false });
});

test('a frame is under way from its first digit on', () => {
  expect(decode([]).midFrame).toBe(false);
  expect(decode([Buffer.from('1')]).midFrame).toBe(true);
  expect(decode([Buffer.from('1\r\na\r\n\r\n1')]).midFrame).toBe(true);
});
