import { XtcpError } from '../../src/errors/xtcp-error.js';
import { FrameDecoder, type FrameLimits } from '../../src/wire/decoder.js';
import { fail } from './fail.js';
import type { Stream } from './streams.js';

const LIMITS: FrameLimits = { maxFrameBytes: 600, maxFields: 16 };
/** A digit, a length's end, a field's end and the frame's take one look each. */
const LOOKS_PER_BYTE = 3;
const LOOKS_PER_PIECE = 4;

interface Decoded {
  readonly frames: string;
  readonly error: string | undefined;
}

/**
 * Whatever comes, in whatever pieces: nothing but an XtcpError of the two codes is thrown; no more is held than a frame
 * may have, and the piece at hand; no byte is looked at more than a few times; and the cuts make no difference.
 */
export function checkDecoder(stream: Stream): void {
  const whole = Buffer.concat(stream);
  const inPieces = decode(stream);
  const atOnce = decode([whole]);
  if (inPieces.frames !== atOnce.frames) fail('the frames depend on the cuts', [inPieces.frames, atOnce.frames]);
  if (inPieces.error !== atOnce.error) fail('the error depends on the cuts', [inPieces.error, atOnce.error]);
  decode(Array.from(whole, (byte) => Buffer.from([byte])));
}

function decode(pieces: Stream): Decoded {
  const frames: string[][] = [];
  const decoder = new FrameDecoder(LIMITS, {
    onFrame: (frame) => {
      const fields = Array.from({ length: frame.count }, (_, index) => frame.bytes(index));
      const bytes = fields.reduce((sum, octets) => sum + octets.length, 0);
      if (bytes > LIMITS.maxFrameBytes || fields.length > LIMITS.maxFields) fail('a frame is over the limits', bytes);
      frames.push(fields.map((octets) => octets.toString('latin1')));
    },
  });
  let error: string | undefined;
  for (const piece of pieces) {
    const watched = new WatchedPiece(piece);
    try {
      decoder.push(watched.proxy);
    } catch (thrown) {
      if (!(thrown instanceof XtcpError)) fail('something else than an XtcpError was thrown', thrown);
      if (thrown.code !== 'PROTOCOL_ERROR' && thrown.code !== 'RESOURCE_EXHAUSTED')
        fail('an error has a wrong code', thrown);
      error = thrown.message;
      break;
    }
    const most = LOOKS_PER_BYTE * piece.length + LOOKS_PER_PIECE + LIMITS.maxFields;
    if (watched.looks > most) fail(`a piece of ${piece.length} bytes was looked at too often`, watched.looks);
    const held = bytesHeld(decoder);
    if (held > LIMITS.maxFrameBytes) fail('more is held than a frame may have', held);
  }
  return { frames: JSON.stringify(frames), error };
}

/** A piece that counts how many of its bytes are read or copied. */
class WatchedPiece {
  looks = 0;
  readonly proxy: Buffer;

  constructor(piece: Buffer) {
    // Memory of its own: whoever holds on to a part of it holds on to all of it.
    const own = Buffer.from(new Uint8Array(piece).buffer);
    this.proxy = new Proxy(own, {
      get: (target, name) => {
        if (typeof name === 'string' && /^\d+$/.test(name)) this.looks++;
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...given: unknown[]): unknown => {
          if (name === 'copy' || name === 'subarray') {
            const [start, end] = (name === 'copy' ? given.slice(2) : given) as [number?, number?];
            this.looks += (end ?? own.length) - (start ?? 0);
          }
          return (value as (...args: unknown[]) => unknown).apply(target, given);
        };
      },
    });
  }
}

/** Bytes of buffers that can be reached from an object; of small ones, which share their memory, their own part. */
function bytesHeld(root: object): number {
  const seen = new Set<unknown>();
  const waiting: unknown[] = [root];
  let bytes = 0;
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    if (Buffer.isBuffer(value)) {
      const { buffer } = value;
      if (seen.has(buffer)) continue;
      if (buffer.byteLength === Buffer.poolSize) {
        bytes += value.length;
      } else {
        seen.add(buffer);
        bytes += buffer.byteLength;
      }
    } else {
      waiting.push(...Object.values(value));
    }
  }
  return bytes;
}
