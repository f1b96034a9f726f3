import type { ByteStream, ByteStreamListener } from '../../src/wire/byte-stream.js';
import type { EncodedFrame } from '../../src/wire/encoder.js';

/** A byte stream without a socket: the test plays the other side, and sees what this side does. */
export class MemoryStream implements ByteStream {
  /** What was done to the stream, in order: `end`, `destroy`, `reset`, `pause`, `resume`. */
  readonly did: string[] = [];
  /** What the next writes return. */
  keepsUp = true;
  /** What the next writes are taken for: handed to the operating system, or waiting here. */
  handsOver = true;
  pendingBytes = 0;
  writes = 0;
  writesBegun = 0;
  private listener: ByteStreamListener | undefined;
  private written: Buffer[] = [];

  attach(listener: ByteStreamListener): void {
    this.listener = listener;
  }

  write({ pieces }: EncodedFrame): boolean {
    for (const piece of pieces) this.written.push(Buffer.from(piece as string));
    this.writes++;
    if (this.handsOver) this.writesBegun++;
    return this.keepsUp;
  }

  end(): boolean {
    this.did.push('end');
    return this.keepsUp;
  }

  destroy(): void {
    this.did.push('destroy');
  }

  reset(): void {
    this.did.push('reset');
  }

  pause(): void {
    this.did.push('pause');
  }

  resume(): void {
    this.did.push('resume');
  }

  /** What was written since it was last taken, as latin1 text. */
  take(): string {
    const text = Buffer.concat(this.written).toString('latin1');
    this.written = [];
    return text;
  }

  /** The other side sends `data`; a string goes as latin1. */
  receive(data: string | Buffer): void {
    this.listener?.onData(typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
  }

  /** The other side ends its output. */
  receiveEnd(): void {
    this.listener?.onEnd();
  }

  drain(): void {
    this.listener?.onDrain();
  }

  /** The connection is gone. */
  close(error?: Error): void {
    this.listener?.onClose(error);
  }
}
