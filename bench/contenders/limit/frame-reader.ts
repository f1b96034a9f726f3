import { HEAD_BYTES, KIND } from './frame-writer.js';

/** Chunks of bytes to values. */
export class FrameReader {
  /** A frame that is larger than what has come of it, in a buffer of its own size. */
  private unfinished: Buffer | undefined;
  private filled = 0;
  /** The beginning of a head. */
  private rest: Buffer | undefined;

  constructor(private readonly onValue: (id: number, value: unknown) => void) {}

  push(received: Buffer): void {
    let chunk = received;
    let at = 0;
    if (this.unfinished !== undefined) {
      at = chunk.copy(this.unfinished, this.filled);
      this.filled += at;
      if (this.filled < this.unfinished.length) return;
      const frame = this.unfinished;
      this.unfinished = undefined;
      this.read(frame, 0, frame.length);
    } else if (this.rest !== undefined) {
      chunk = Buffer.concat([this.rest, chunk]);
      this.rest = undefined;
    }
    while (chunk.length - at >= HEAD_BYTES) {
      const end = at + HEAD_BYTES + chunk.readUInt32BE(at);
      if (end > chunk.length) {
        this.unfinished = Buffer.allocUnsafe(end - at);
        this.filled = chunk.copy(this.unfinished, 0, at);
        return;
      }
      this.read(chunk, at, end);
      at = end;
    }
    if (at < chunk.length) this.rest = chunk.subarray(at);
  }

  private read(frame: Buffer, start: number, end: number): void {
    const tag = frame.readUInt32BE(start + 4);
    const kind = tag % 4;
    const at = start + HEAD_BYTES;
    const value = kind === KIND.bytes ? frame.subarray(at, end) : frame.toString('utf8', at, end);
    this.onValue(Math.floor(tag / 4), kind === KIND.json ? JSON.parse(value as string) : value);
  }
}
