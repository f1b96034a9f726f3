import { encodeFrame, type Field } from '../../src/wire/encoder.js';
import { answer, framesInRun, framesToWeigh, type Payload } from './frames.js';
import { allocatedBytes, nanoseconds } from './measure.js';

export interface EncoderFigures {
  readonly framesPerSecond: number;
  /** Millions of bytes on the wire a second. */
  readonly megabytesPerSecond: number;
  /** What was allocated for a frame. */
  readonly bytesPerFrame: number;
}

/** What was last encoded, so that encoding is not optimised away. */
export let lastEncoded: readonly Field[] = [];

/** Encodes answers of a session, of which head and payload are there, up to what goes to the socket; no bytes yet. */
export function measureEncoder(payload: Payload = { kind: 'ascii', bytes: 32 }): EncoderFigures {
  const frames = framesInRun(payload);
  const fields = answer(payload, 123);
  const encode = (count: number): void => {
    for (let number = 0; number < count; number++) lastEncoded = encodeFrame(fields).pieces;
  };
  const took = nanoseconds(() => {
    encode(frames);
  });
  const allocated = allocatedBytes(() => {
    encode(framesToWeigh(payload));
  });
  const bytes = encodeFrame(fields).pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
  return {
    framesPerSecond: (frames * 1e9) / took,
    megabytesPerSecond: (frames * bytes * 1e3) / took,
    bytesPerFrame: allocated / framesToWeigh(payload),
  };
}
