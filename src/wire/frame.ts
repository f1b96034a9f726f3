import { XtcpError } from '../errors/xtcp-error.js';
import { Head } from './head.js';
import { giveBack, memoryOf } from './memory.js';
import { decodeText, PieceText } from './text.js';

const NOTHING = Buffer.alloc(0);

/**
 * A frame that has arrived: its fields, read from where they lie. It is a view that the decoder uses again, so it
 * must be read before the function that was given it returns.
 */
export class Frame {
  /** Where the fields lie that are not in {@link own}. */
  private piece: Buffer = NOTHING;
  /** The first fields of a frame that did not come in one piece, each in memory of its own (`memory.ts`). */
  private readonly own: Buffer[] = [];
  /** Whether one of them has been handed out, to be kept. */
  private isKept = false;
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];
  private fields = 0;
  private readonly pieceText = new PieceText();
  private readonly headView = new Head();

  /** How many fields the frame has; 1 or more. */
  get count(): number {
    return this.fields;
  }

  /**
   * The head of a session's frame, field 0. A view, too, to be read as long as the frame may be.
   * @throws {XtcpError} PROTOCOL_ERROR where it is no head.
   */
  head(): Head {
    this.headView.read(this.buffer(0), this.starts[0]!, this.ends[0]!);
    return this.headView;
  }

  /**
   * Field `index` as text.
   * @throws {XtcpError} INVALID_ARGUMENT where the field is not UTF-8.
   */
  text(index: number): string {
    const buffer = this.buffer(index);
    const start = this.starts[index]!;
    const end = this.ends[index]!;
    const ascii = buffer === this.piece ? this.pieceText.ascii(start, end) : undefined;
    const text = ascii ?? decodeText(buffer, start, end);
    if (text === undefined) {
      throw new XtcpError('INVALID_ARGUMENT', `field ${index + 1} of the frame is not UTF-8`);
    }
    return text;
  }

  /** How many octets field `index` has. */
  length(index: number): number {
    return index < this.fields ? this.ends[index]! - this.starts[index]! : 0;
  }

  /** The first `length` octets of field `index`, or all where it has fewer, a character each. */
  start(index: number, length: number): string {
    const buffer = this.buffer(index);
    const start = this.starts[index]!;
    return buffer.toString('latin1', start, Math.min(start + length, this.ends[index]!));
  }

  /** Field `index` as octets, in memory of their own: they may be kept, and keep nothing else alive. */
  bytes(index: number): Buffer {
    const buffer = this.buffer(index);
    // A field that came in several pieces has been given memory of its own; it is not copied once more.
    if (index < this.own.length && buffer.length === buffer.buffer.byteLength) {
      this.isKept = true;
      return buffer;
    }
    return this.copyTo(Buffer.allocUnsafe(this.length(index)), index);
  }

  /** For the decoder: fields that are added lie in `piece` from now on. */
  lieIn(piece: Buffer): void {
    this.piece = piece;
    this.pieceText.use(piece);
  }

  /** For the decoder: adds the field that lies in the piece from `start` to `end`. */
  add(start: number, end: number): void {
    this.starts[this.fields] = start;
    this.ends[this.fields] = end;
    this.fields++;
  }

  /** For the decoder: adds a field in memory of its own, before any that lies in the piece. */
  addOwn(octets: Buffer): void {
    this.own.push(octets);
    this.add(0, octets.length);
  }

  /** For the decoder: lets go of the piece. What an unfinished frame has in it is copied. */
  letGo(): void {
    for (let index = this.own.length; index < this.fields; index++) {
      // Not of Node's pool: what is given back is taken whole.
      const octets = this.copyTo(memoryOf(this.length(index)), index);
      this.own.push(octets);
      this.starts[index] = 0;
      this.ends[index] = octets.length;
    }
    this.lieIn(NOTHING);
  }

  /** For the decoder: forgets the fields. */
  clear(): void {
    if (this.own.length > 0) this.forgetOwn();
    this.fields = 0;
  }

  private forgetOwn(): void {
    if (!this.isKept) for (const octets of this.own) giveBack(octets);
    this.isKept = false;
    this.own.length = 0;
  }

  private copyTo(octets: Buffer, index: number): Buffer {
    this.buffer(index).copy(octets, 0, this.starts[index], this.ends[index]);
    return octets;
  }

  private buffer(index: number): Buffer {
    if (index >= this.fields) throw new RangeError(`a frame of ${this.fields} fields has no field ${index + 1}`);
    return index < this.own.length ? this.own[index]! : this.piece;
  }
}
