import { setImmediate } from 'node:timers/promises';

import type { RawPeer } from '../support/raw.js';
import { differenceOf, show } from './matching.js';
import { frameOf, readFrame, type FieldSpec, type Step } from './notation.js';

/** How what is sent is cut up: everything up to the next thing that is waited for in one write, or byte by byte. */
export type Cut = 'whole' | 'byte by byte';

/** Milliseconds that anything expected may take. */
const PATIENCE_MS = 4000;
/** Of what is longer than this, only the two ends are sent byte by byte. */
const LONG = 2000;
const SINGLE_AT_START = 400;
const SINGLE_AT_END = 100;

/** The side of one connection that a vector plays. */
export class PlayedPeer {
  private waiting: Buffer[] = [];
  private pings = 900;

  constructor(
    private readonly raw: RawPeer,
    private readonly cut: Cut,
  ) {}

  /** Plays one step. @returns whether it was one about what goes over the wire */
  async play(step: Step): Promise<boolean> {
    if ('send' in step) {
      this.waiting.push(frameOf(step.send));
      return true;
    }
    if ('sendBytes' in step) {
      const { sendBytes } = step;
      this.waiting.push(typeof sendBytes === 'string' ? Buffer.from(sendBytes) : Buffer.from(sendBytes.hex, 'hex'));
      return true;
    }
    await this.flush();
    if ('expect' in step) await this.expect(step.expect);
    else if ('expectBytes' in step) await this.expectBytes(step.expectBytes);
    else if ('expectEnd' in step) await this.expectEnd();
    else if ('expectNothing' in step) await this.expectNothing();
    else if ('end' in step) this.raw.socket.end();
    else return false;
    return true;
  }

  /** Puts on the wire what is to be sent. */
  async flush(): Promise<void> {
    const bytes = Buffer.concat(this.waiting);
    this.waiting = [];
    if (bytes.length === 0) return;
    if (this.cut === 'whole') {
      this.raw.send(bytes);
      return;
    }
    const startEnd = bytes.length > LONG ? SINGLE_AT_START : bytes.length;
    const endStart = bytes.length > LONG ? bytes.length - SINGLE_AT_END : bytes.length;
    for (let at = 0; at < startEnd; at++) await this.sendPiece(bytes.subarray(at, at + 1));
    if (endStart > startEnd) await this.sendPiece(bytes.subarray(startEnd, endStart));
    for (let at = endStart; at < bytes.length; at++) await this.sendPiece(bytes.subarray(at, at + 1));
  }

  /** Nothing more has come than the vector has taken. */
  expectNoRest(): void {
    if (this.raw.bytes !== '') throw new Error(`more came than was expected: ${this.raw.bytes.slice(0, 500)}`);
  }

  private async sendPiece(piece: Buffer): Promise<void> {
    this.raw.send(piece);
    await setImmediate();
  }

  private async expect(fields: readonly FieldSpec[]): Promise<void> {
    const wanted = JSON.stringify(fields).slice(0, 300);
    let frame: ReturnType<typeof readFrame>;
    await this.until(`the frame ${wanted}`, () => {
      frame = readFrame(Buffer.from(this.raw.bytes, 'latin1'));
      return frame !== undefined || this.raw.ended || this.raw.closed;
    });
    if (frame === undefined) throw new Error(`expected ${wanted}, but the connection was closed`);
    await this.raw.take(frame.size);
    const difference = differenceOf(frame.fields, fields);
    if (difference !== undefined) throw new Error(`expected ${wanted}, got ${show(frame.fields)}: ${difference}`);
  }

  private async expectBytes(bytes: string): Promise<void> {
    const wanted = Buffer.from(bytes).toString('latin1');
    await this.until(`the bytes ${wanted}`, () => {
      return this.raw.bytes.length >= wanted.length || this.raw.ended || this.raw.closed;
    });
    const got = await this.raw.take(wanted.length);
    if (got !== wanted) throw new Error(`expected the bytes ${wanted}, got ${got}`);
  }

  private async expectEnd(): Promise<void> {
    await this.until('the end of the output', () => this.raw.ended || this.raw.closed);
    this.expectNoRest();
    // Ends too, so that the peer under test need not wait for it.
    if (!this.raw.closed) this.raw.socket.end();
  }

  /** Asks and is answered, twice, with nothing else in between. */
  private async expectNothing(): Promise<void> {
    for (let round = 0; round < 2; round++) {
      const ping = ++this.pings;
      this.raw.send(frameOf([`P${ping}`]));
      await this.expect([`R${ping}`]);
    }
  }

  private async until(what: string, holds: () => boolean): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`expected ${what}; so far there is: ${this.raw.bytes.slice(0, 500)}`));
      }, PATIENCE_MS);
    });
    try {
      await Promise.race([this.raw.until(holds), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
