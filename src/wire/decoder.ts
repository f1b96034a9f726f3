import { XtcpError } from '../errors/xtcp-error.js';
import { Frame } from './frame.js';

export interface FrameLimits {
  /** The most bytes that the fields of one frame may have together. */
  readonly maxFrameBytes: number;
  /** The most fields that one frame may have. */
  readonly maxFields: number;
}

const CR = 0x0d;
const LF = 0x0a;
const ZERO = 0x30;
const NINE = 0x39;

/** The most digits of a length: `length = "0" / (%x31-39 *9DIGIT)`. */
const MAX_LENGTH_DIGITS = 10;

/** What the next byte has to be. */
const enum Expect {
  FirstLength,
  LengthDigit,
  LengthLf,
  Octets,
  OctetsCr,
  OctetsLf,
  NextLengthOrEnd,
  EndLf,
}

const EXPECTED: Readonly<Record<Expect, string>> = {
  [Expect.FirstLength]: 'expected a digit, the length of the first field',
  [Expect.LengthDigit]: 'expected a further digit of a length or the CR behind it',
  [Expect.LengthLf]: 'expected the LF behind a length',
  [Expect.Octets]: 'expected octets',
  [Expect.OctetsCr]: 'expected the CR behind a field; its length may be wrong',
  [Expect.OctetsLf]: 'expected the LF behind a field; its length may be wrong',
  [Expect.NextLengthOrEnd]: 'expected a digit, the length of a further field, or the CR that ends the frame',
  [Expect.EndLf]: 'expected the LF that ends the frame',
};

/**
 * Takes the bytes of a connection as they come, in pieces of any size, and hands over each frame when its last byte
 * is there. Does no I/O and keeps no more than one unfinished frame.
 *
 *     frame  = 1*field CRLF
 *     field  = length CRLF octets CRLF
 *     length = "0" / (%x31-39 *9DIGIT)     ; bytes, decimal
 *
 * A length is checked against the limits before anything is stored for it. A field that comes in several pieces is
 * put into one buffer of just its size.
 */
export class FrameDecoder {
  private readonly frame = new Frame();
  private expect: Expect = Expect.FirstLength;
  /** The value and the digits of the length that is being read. */
  private length = 0;
  private digits = 0;
  /** Bytes of this frame before the piece at hand; makes the positions that errors name. */
  private bytesBefore = 0;
  /** The lengths of this frame's fields together, the current one included. */
  private frameBytes = 0;
  /** The octets so far of a field that did not come in one piece. */
  private partial: Buffer | undefined;
  private filled = 0;
  private held = false;
  private rest: Buffer | undefined;

  constructor(
    private readonly limits: FrameLimits,
    private readonly onFrame: (frame: Frame) => void,
  ) {}

  /** Whether a frame has begun and not ended. */
  get midFrame(): boolean {
    return this.expect !== Expect.FirstLength;
  }

  /** Stops after the frame at hand: what is behind it, or still comes, waits undecoded for {@link release}. */
  hold(): void {
    this.held = true;
  }

  /**
   * Goes on with what {@link hold} kept back.
   * @throws {XtcpError} as {@link push}.
   */
  release(): void {
    this.held = false;
    const rest = this.rest;
    this.rest = undefined;
    if (rest !== undefined) this.push(rest);
  }

  /**
   * Decodes `piece`. Frames that end in it are handed over in order, those before an error too.
   * @throws {XtcpError} PROTOCOL_ERROR where the bytes are no frame, RESOURCE_EXHAUSTED where a frame is over a
   * limit. The decoder is of no use afterwards.
   */
  push(piece: Buffer): void {
    if (this.held) {
      this.rest = this.rest === undefined ? piece : Buffer.concat([this.rest, piece]);
      return;
    }
    const size = piece.length;
    /** Where in `piece` the frame at hand begins; negative where it began in an earlier piece. */
    let frameStart = -this.bytesBefore;
    let at = 0;
    while (at < size) {
      if (this.expect === Expect.Octets) {
        at = this.takeOctets(piece, at);
        continue;
      }
      const byte = piece[at]!;
      switch (this.expect) {
        case Expect.LengthDigit:
          if (byte === CR) {
            this.checkLength(at - frameStart);
            this.expect = Expect.LengthLf;
          } else if (byte >= ZERO && byte <= NINE) {
            this.addDigit(byte, at - frameStart);
          } else {
            throw this.malformed(at - frameStart);
          }
          break;
        case Expect.LengthLf:
          if (byte !== LF) throw this.malformed(at - frameStart);
          this.expect = Expect.Octets;
          if (this.length === 0) this.endField(piece, at, at);
          break;
        case Expect.OctetsCr:
          if (byte !== CR) throw this.malformed(at - frameStart);
          this.expect = Expect.OctetsLf;
          break;
        case Expect.OctetsLf:
          if (byte !== LF) throw this.malformed(at - frameStart);
          this.expect = Expect.NextLengthOrEnd;
          break;
        case Expect.FirstLength:
        case Expect.NextLengthOrEnd:
          if (byte >= ZERO && byte <= NINE) {
            this.beginField(byte, at - frameStart);
          } else if (byte === CR && this.expect === Expect.NextLengthOrEnd) {
            this.expect = Expect.EndLf;
          } else {
            throw this.malformed(at - frameStart);
          }
          break;
        case Expect.EndLf:
          if (byte !== LF) throw this.malformed(at - frameStart);
          frameStart = at + 1;
          this.endFrame();
          if (this.held) {
            this.bytesBefore = 0;
            if (frameStart < size) this.rest = piece.subarray(frameStart);
            return;
          }
          break;
      }
      at++;
    }
    this.bytesBefore = size - frameStart;
    if (this.midFrame) this.frame.detachFrom(piece);
  }

  private beginField(firstDigit: number, position: number): void {
    if (this.frame.count === this.limits.maxFields) {
      throw new XtcpError(
        'PROTOCOL_ERROR',
        `expected the end of the frame, which may have ${count(this.limits.maxFields, 'field')}, at byte ${position}`,
      );
    }
    this.length = firstDigit - ZERO;
    this.digits = 1;
    this.expect = Expect.LengthDigit;
  }

  private addDigit(byte: number, position: number): void {
    if (this.length === 0 || this.digits === MAX_LENGTH_DIGITS) {
      const rule = this.length === 0 ? 'no leading zeros' : `at most ${MAX_LENGTH_DIGITS} digits`;
      throw new XtcpError('PROTOCOL_ERROR', `a length has ${rule}, at byte ${position}`);
    }
    this.length = this.length * 10 + (byte - ZERO);
    this.digits++;
  }

  private checkLength(position: number): void {
    this.frameBytes += this.length;
    if (this.frameBytes > this.limits.maxFrameBytes) {
      throw new XtcpError(
        'RESOURCE_EXHAUSTED',
        `a frame of ${this.frameBytes} bytes or more is over maxFrameBytes, ${this.limits.maxFrameBytes}, ` +
          `says the length before byte ${position}`,
      );
    }
  }

  /** Takes what is there of the current field; returns where to go on. */
  private takeOctets(piece: Buffer, at: number): number {
    const missing = this.length - this.filled;
    const end = Math.min(at + missing, piece.length);
    if (this.partial === undefined) {
      if (end - at === missing) {
        this.endField(piece, at, end);
        return end;
      }
      this.partial = Buffer.allocUnsafeSlow(this.length);
    }
    piece.copy(this.partial, this.filled, at, end);
    this.filled += end - at;
    if (this.filled === this.length) this.endField(this.partial, 0, this.length);
    return end;
  }

  private endField(buffer: Buffer, start: number, end: number): void {
    this.frame.add(buffer, start, end);
    this.partial = undefined;
    this.filled = 0;
    this.expect = Expect.OctetsCr;
  }

  private endFrame(): void {
    this.expect = Expect.FirstLength;
    this.frameBytes = 0;
    try {
      this.onFrame(this.frame);
    } finally {
      this.frame.clear();
    }
  }

  private malformed(position: number): XtcpError {
    return new XtcpError('PROTOCOL_ERROR', `${EXPECTED[this.expect]}, at byte ${position}`);
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
