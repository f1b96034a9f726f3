import { isUtf8 } from 'node:buffer';

import { XtcpError } from '../errors/xtcp-error.js';

/**
 * A frame that has arrived: its fields, read from where they lie. It is a view that the decoder uses again, so it
 * must be read before the function that was given it returns.
 */
export class Frame {
  private readonly buffers: Buffer[] = [];
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];
  private fields = 0;

  /** How many fields the frame has; 1 or more. */
  get count(): number {
    return this.fields;
  }

  /**
   * Field `index` as text.
   * @throws {XtcpError} INVALID_ARGUMENT where the field is not UTF-8.
   */
  text(index: number): string {
    const text = this.buffer(index).toString('utf8', this.starts[index], this.ends[index]);
    // U+FFFD is what Node puts where octets are not UTF-8, but a sender may also have meant it.
    if (text.includes('\uFFFD') && !isUtf8(this.view(index))) {
      throw new XtcpError('INVALID_ARGUMENT', `field ${index + 1} of the frame is not UTF-8`);
    }
    return text;
  }

  /** How many octets field `index` has. */
  length(index: number): number {
    return (this.ends[index] ?? 0) - (this.starts[index] ?? 0);
  }

  /** The first `length` octets of field `index`, or all where it has fewer, a character each. */
  start(index: number, length: number): string {
    const start = this.starts[index] ?? 0;
    return this.buffer(index).toString('latin1', start, Math.min(start + length, this.ends[index] ?? start));
  }

  /** Field `index` as octets, in memory of their own: they may be kept, and keep nothing else alive. */
  bytes(index: number): Buffer {
    const view = this.view(index);
    return view.length === view.buffer.byteLength ? view : Buffer.from(view);
  }

  /** For the decoder: adds the field that lies in `buffer` from `start` to `end`. */
  add(buffer: Buffer, start: number, end: number): void {
    this.buffers[this.fields] = buffer;
    this.starts[this.fields] = start;
    this.ends[this.fields] = end;
    this.fields++;
  }

  /** For the decoder: copies the fields that lie in `buffer`, so that an unfinished frame does not hold on to it. */
  detachFrom(buffer: Buffer): void {
    for (let index = 0; index < this.fields; index++) {
      if (this.buffers[index] !== buffer) continue;
      const own = Buffer.from(this.view(index));
      this.buffers[index] = own;
      this.starts[index] = 0;
      this.ends[index] = own.length;
    }
  }

  /** For the decoder: forgets the fields, and the memory behind them. */
  clear(): void {
    this.buffers.length = 0;
    this.fields = 0;
  }

  private view(index: number): Buffer {
    return this.buffer(index).subarray(this.starts[index], this.ends[index]);
  }

  private buffer(index: number): Buffer {
    const buffer = this.buffers[index];
    if (buffer === undefined) throw new RangeError(`a frame of ${this.fields} fields has no field ${index + 1}`);
    return buffer;
  }
}
