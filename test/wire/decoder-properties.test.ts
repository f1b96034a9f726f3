import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { XtcpError } from '../../src/errors/xtcp-error.js';
import { FrameDecoder } from '../../src/wire/decoder.js';
import { encodeFrame, type Field } from '../../src/wire/encoder.js';
import { byteByByte, cut, decode } from './decode.js';

const field: fc.Arbitrary<Field> = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('', '\r\n', '\r\n\r\n', '1\r\na\r\n\r\n', '\uFEFF', '\uFFFD'),
  fc.uint8Array({ maxLength: 40 }),
  fc.uint8Array({ maxLength: 40 }).map((octets) => Buffer.from(octets)),
);
const frame = fc.array(field, { minLength: 1, maxLength: 5 });

/** Bytes as latin1 text, a character each. */
function latin1(octets: Field): string {
  return Buffer.from(octets as string).toString('latin1');
}

function encode(frames: readonly (readonly Field[])[]): Buffer {
  return Buffer.concat(
    frames.flatMap((fields) => encodeFrame(fields).pieces.map((piece) => Buffer.from(piece as string))),
  );
}

test('what was encoded is decoded as it was, whatever the fields and the cuts', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 5 }), fc.array(fc.nat()), (frames, positions) => {
      const bytes = encode(frames);
      const expected = frames.map((fields) => fields.map(latin1));
      const cuts = positions.map((position) => position % (bytes.length + 1));

      for (const pieces of [[bytes], byteByByte(bytes), cut(bytes, cuts)]) {
        expect(decode(pieces)).toMatchObject({ frames: expected, error: undefined, midFrame: false });
      }
    }),
  );
});

test('text that was encoded is decoded as the same text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const read: string[] = [];
      new FrameDecoder(
        { maxFrameBytes: 1000, maxFields: 1 },
        {
          onFrame: (arrived) => {
            read.push(arrived.text(0));
          },
        },
      ).push(encode([[text]]));

      expect(read).toEqual([text]);
    }),
  );
});

function thrownBy(run: () => unknown): object | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error as object;
  }
}

/** Bytes that mostly look like frames, so that errors are met deep inside. */
const nearlyFrames = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: frame.map((fields) => encode([fields])) },
      { weight: 3, arbitrary: fc.constantFrom('\r', '\n', '0', '7', '12', 'x').map((text) => Buffer.from(text)) },
      { weight: 1, arbitrary: fc.uint8Array().map((octets) => Buffer.from(octets)) },
    ),
  )
  .map((parts) => Buffer.concat(parts));
const anyBytes = fc.oneof(
  nearlyFrames,
  fc.uint8Array().map((octets) => Buffer.from(octets)),
);

test('whatever arrives, nothing but an XtcpError is thrown', () => {
  fc.assert(
    fc.property(anyBytes, fc.array(fc.nat()), (bytes, positions) => {
      const cuts = positions.map((position) => position % (bytes.length + 1));
      const { error } = decode(cut(bytes, cuts), { maxFrameBytes: 50, maxFields: 3 });

      expect([undefined, XtcpError]).toContain(error?.constructor);
    }),
  );
});

test('whatever arrives, reading it throws nothing but an XtcpError', () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      const decoder = new FrameDecoder(
        { maxFrameBytes: 50, maxFields: 3 },
        {
          onFrame: (arrived) => {
            for (const read of [() => arrived.head(), () => arrived.text(0), () => arrived.text(arrived.count - 1)]) {
              expect([undefined, XtcpError]).toContain(thrownBy(read)?.constructor);
            }
          },
        },
      );
      expect([undefined, XtcpError]).toContain(thrownBy(() => decoder.push(bytes))?.constructor);
    }),
  );
});

test('whatever arrives, the frames and the error do not depend on the cuts', () => {
  fc.assert(
    fc.property(anyBytes, fc.array(fc.nat()), (bytes, positions) => {
      const limits = { maxFrameBytes: 50, maxFields: 3 };
      const cuts = positions.map((position) => position % (bytes.length + 1));
      const whole = decode([bytes], limits);

      for (const pieces of [byteByByte(bytes), cut(bytes, cuts)]) {
        const cutUp = decode(pieces, limits);
        expect(cutUp.frames).toEqual(whole.frames);
        expect(cutUp.error?.message).toBe(whole.error?.message);
        expect(cutUp.midFrame).toBe(whole.midFrame);
      }
    }),
  );
});
