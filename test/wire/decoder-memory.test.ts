import { expect, test } from 'vitest';

import { FrameDecoder } from '../../src/wire/decoder.js';

const MIB = 1024 * 1024;
const LIMITS = { maxFrameBytes: 16 * MIB, maxFields: 2 };

/** Bytes of buffers that this process holds. */
function buffersHeld(): number {
  return process.memoryUsage().arrayBuffers;
}

/** Runs `feed` on a decoder, and tells by how much the memory of buffers grew at most, looked at on each `look()`. */
function growthOf(
  feed: (decoder: FrameDecoder, look: () => void) => void,
  onFields: (fields: Buffer[]) => void,
): number {
  const decoder = new FrameDecoder(LIMITS, {
    onFrame: (frame) => {
      onFields(Array.from({ length: frame.count }, (_, index) => frame.bytes(index)));
    },
  });
  const before = buffersHeld();
  let most = before;
  feed(decoder, () => {
    most = Math.max(most, buffersHeld());
  });
  return most - before;
}

test('a 16 MiB field in pieces of 1 KiB costs no more memory than its size', () => {
  const piece = Buffer.alloc(1024);
  let field: Buffer | undefined;

  const growth = growthOf(
    (decoder, look) => {
      decoder.push(Buffer.from(`${16 * MIB}\r\n`));
      for (let number = 0; number < 16 * 1024; number++) {
        piece.fill(number % 251);
        decoder.push(piece);
        if (number % 256 === 0) look();
      }
      decoder.push(Buffer.from('\r\n\r\n'));
      look();
    },
    ([only]) => {
      field = only;
    },
  );

  expect(growth).toBeLessThan(17 * MIB);
  expect(field?.length).toBe(16 * MIB);
  for (let number = 0; number < 16 * 1024; number += 1000) expect(field?.[number * 1024 + 1023]).toBe(number % 251);
});

test('a length over maxFrameBytes is refused before anything is stored', () => {
  const growth = growthOf(
    (decoder, look) => {
      decoder.push(Buffer.from(String(16 * MIB + 1)));
      expect(() => {
        decoder.push(Buffer.from('\r\nxxxx'));
      }).toThrow('over maxFrameBytes');
      look();
    },
    () => {},
  );

  expect(growth).toBeLessThan(MIB);
});

test('a length alone takes no memory', () => {
  const growth = growthOf(
    (decoder, look) => {
      decoder.push(Buffer.from(`${16 * MIB}\r\n`));
      look();
    },
    () => {},
  );

  expect(growth).toBeLessThan(MIB);
});

test('the fields of an unfinished frame lie in memory of their own, not in the piece that they came in', () => {
  const fields: string[] = [];
  const decoder = new FrameDecoder(LIMITS, {
    onFrame: (frame) => {
      fields.push(frame.text(0), frame.text(1));
    },
  });
  const piece = Buffer.from('7\r\ntoupper\r\n8\r\nxiao');

  decoder.push(piece);
  piece.fill('#');
  decoder.push(Buffer.from('xiao\r\n\r\n'));

  expect(fields).toEqual(['toupper', 'xiaoxiao']);
});

test('a field that needs only its end is kept apart from its piece, too', () => {
  const fields: string[] = [];
  const decoder = new FrameDecoder(LIMITS, {
    onFrame: (frame) => {
      fields.push(frame.text(0));
    },
  });
  const piece = Buffer.from('7\r\ntoupper\r\n\r');

  decoder.push(piece);
  piece.fill('#');
  decoder.push(Buffer.from('\n'));

  expect(fields).toEqual(['toupper']);
});
