import * as fc from 'fast-check';

import type { XtcpError } from '../../src/errors/xtcp-error.js';
import { FrameDecoder, type FrameLimits } from '../../src/wire/decoder.js';
import type { Frame } from '../../src/wire/frame.js';

/** Limits that a test meets only where it means to. */
export const WIDE: FrameLimits = { maxFrameBytes: 1_000_000, maxFields: 16 };

export interface Decoded {
  /** The fields of each frame, as latin1 text. */
  readonly frames: string[][];
  readonly error: XtcpError | undefined;
  /** Bytes in the pieces that were taken without an error. */
  readonly taken: number;
  readonly midFrame: boolean;
}

export function fieldsOf(frame: Frame): string[] {
  return Array.from({ length: frame.count }, (_, index) => frame.bytes(index).toString('latin1'));
}

/** Feeds a decoder until it throws, overwriting each piece behind it as a buffer that is received into again would be. */
export function decode(pieces: readonly Buffer[], limits: FrameLimits = WIDE): Decoded {
  const frames: string[][] = [];
  const decoder = new FrameDecoder(limits, {
    onFrame: (frame) => {
      frames.push(fieldsOf(frame));
    },
  });
  let taken = 0;
  for (const piece of pieces) {
    const own = Buffer.from(piece);
    try {
      decoder.push(own);
    } catch (error) {
      return { frames, error: error as XtcpError, taken, midFrame: decoder.midFrame };
    }
    own.fill('#');
    taken += piece.length;
  }
  return { frames, error: undefined, taken, midFrame: decoder.midFrame };
}

/** Cuts `bytes` behind each of the given positions. */
export function cut(bytes: Buffer, positions: readonly number[]): Buffer[] {
  const sorted = [0, ...positions.toSorted((one, other) => one - other), bytes.length];
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}

export function byteByByte(bytes: Buffer): Buffer[] {
  return cut(
    bytes,
    Array.from({ length: bytes.length }, (_, index) => index),
  );
}

/** Hands `check` the bytes whole, byte by byte, and cut at random places; latin1 text stands for its bytes. */
export function cutEveryWay(input: string, check: (pieces: readonly Buffer[]) => void): void {
  const bytes = Buffer.from(input, 'latin1');
  check([bytes]);
  check(byteByByte(bytes));
  fc.assert(
    fc.property(fc.array(fc.nat({ max: bytes.length })), (positions) => {
      check(cut(bytes, positions));
    }),
  );
}

/** Hands `read` the only frame of the given bytes, while it may be read. */
export function readFrame<Result>(input: string | Buffer, read: (frame: Frame) => Result): Result {
  let result: { readonly value: Result } | undefined;
  const decoder = new FrameDecoder(WIDE, {
    onFrame: (frame) => {
      result = { value: read(frame) };
    },
  });
  decoder.push(typeof input === 'string' ? Buffer.from(input, 'latin1') : input);
  if (result === undefined) throw new Error('the bytes hold no whole frame');
  return result.value;
}
