import { decodeValue } from '../../src/wire/codec.js';
import { FrameDecoder } from '../../src/wire/decoder.js';
import { encodeFrame } from '../../src/wire/encoder.js';
import { answer, framesInRun, framesToWeigh, type Payload } from './frames.js';
import { allocatedBytes, nanoseconds } from './measure.js';

/** How the bytes come: as a socket hands them over, 64 KB at a time, or cut into pieces of 1 to 97 bytes. */
export type Slicing = 'sockets' | 'bad';

export interface DecoderFigures {
  readonly framesPerSecond: number;
  /** Millions of bytes on the wire a second. */
  readonly megabytesPerSecond: number;
  /** The same for a plain copy of the same pieces, one behind the other, into memory that is there already. */
  readonly copyMegabytesPerSecond: number;
  /** What was allocated for a frame, what it was read into included. */
  readonly bytesPerFrame: number;
}

const SOCKET_READS = 64 * 1024;
const LIMITS = { maxFrameBytes: 16 * 1024 * 1024, maxFields: 16 };

/** What was last read, so that reading is not optimised away. */
export let lastRead: { id: number; value: unknown } = { id: 0, value: undefined };

/**
 * Decodes whole answers of a session: each frame is found in the pieces, its head (`At123`) taken apart, and its payload
 * read as a string (`bytes`: as a Buffer that may be kept), as a client's session does before it tells the call.
 */
export function measureDecoder(
  payload: Payload = { kind: 'ascii', bytes: 32 },
  slicing: Slicing = 'sockets',
): DecoderFigures {
  const frames = framesInRun(payload);
  const pieces = sliced(encoded(payload, frames), slicing);
  const few = sliced(encoded(payload, framesToWeigh(payload)), slicing);
  let id = 0;
  let value: unknown;
  const decoder = new FrameDecoder(LIMITS, {
    onFrame: (frame) => {
      const head = frame.head();
      id = head.id;
      value = decodeValue(frame, 1, head.codec, undefined);
    },
  });
  const decode = (these: readonly Buffer[]): void => {
    for (const piece of these) decoder.push(piece);
  };
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const target = Buffer.alloc(bytes);
  const took = nanoseconds(() => {
    decode(pieces);
  });
  const copyTook = nanoseconds(() => {
    let at = 0;
    for (const piece of pieces) at += piece.copy(target, at);
  });
  const allocated = allocatedBytes(() => {
    decode(few);
  });
  lastRead = { id, value };
  return {
    framesPerSecond: (frames * 1e9) / took,
    megabytesPerSecond: (bytes * 1e3) / took,
    copyMegabytesPerSecond: (bytes * 1e3) / copyTook,
    bytesPerFrame: allocated / framesToWeigh(payload),
  };
}

function encoded(payload: Payload, frames: number): Buffer {
  const pieces: Buffer[] = [];
  for (let number = 0; number < frames; number++) {
    for (const piece of encodeFrame(answer(payload, 100 + (number % 900))).pieces)
      pieces.push(Buffer.from(piece as string));
  }
  return Buffer.concat(pieces);
}

function sliced(bytes: Buffer, slicing: Slicing): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    // 37 and 97 have no factor in common, so every size comes.
    const size = slicing === 'bad' ? 1 + ((pieces.length * 37) % 97) : SOCKET_READS;
    // In memory of its own, as what a socket hands over is.
    pieces.push(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
  }
  return pieces;
}
