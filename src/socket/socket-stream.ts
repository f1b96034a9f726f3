import type { Socket } from 'node:net';

import { XtcpError } from '../errors/xtcp-error.js';
import type { ByteStream, ByteStreamListener } from '../wire/byte-stream.js';
import type { EncodedFrame } from '../wire/encoder.js';
import { giveBack } from '../wire/memory.js';
import { underneath } from './underneath.js';

export interface SocketStreamLimits {
  /** Bytes that may wait for the other side to read them; where more gather, the connection is let go of. */
  readonly maxSendBufferSize: number;
  /** Milliseconds without progress after which a write that waits is given up; 0 for never. */
  readonly writeTimeoutMs: number;
}

/** What is the same for many streams. */
export interface SocketStreamOptions extends SocketStreamLimits {
  /** A socket is closed; told last, also where it was handed over. */
  readonly onClosed?: (socket: Socket) => void;
}

/**
 * Frames gathered before they are written out, so that the other side starts on them while this one goes on: with one
 * write a turn, both would wait for each other in lockstep. The number doubles with each write within a turn. Measured:
 * gathering at all is half the time of a processor for a call, and not all of a turn 1.4 to 1.9 times the calls.
 */
const FLUSH_AFTER_WRITES = 16;
const FLUSH_AFTER_WRITES_AT_MOST = 256;

/** Bytes that may wait before the other side counts as one that does not keep up; no more are gathered unflushed. */
const HIGH_WATER_BYTES = 64 * 1024;

/**
 * A socket of Node's as a {@link ByteStream}. What is written within one turn of the event loop is gathered into few
 * system calls: neighbouring strings become one. While the operating system takes nothing, what is written waits here
 * and not in the socket, so that it is known which frames have certainly not left.
 */
export class SocketStream implements ByteStream {
  /** What was gathered last, as far as it is text, and its bytes; where they are as many as its characters, it is ASCII. */
  private text = '';
  private textBytes = 0;
  /** What was gathered before it; undefined where that is nothing. */
  private pieces: Uint8Array[] | undefined;
  private gatheredBytes = 0;
  /** Of the pieces, those whose memory is given back when they are written. */
  private lent: Buffer[] | undefined;
  private unflushed = 0;
  private flushAfter = FLUSH_AFTER_WRITES;
  writes = 0;
  private begun = 0;
  private flushScheduled = false;
  private congested = false;
  private state: 'open' | 'ending' | 'ended' = 'open';
  private listener: ByteStreamListener | undefined;
  private failure: Error | undefined;

  constructor(
    readonly socket: Socket,
    private readonly options: SocketStreamOptions,
  ) {}

  attach(listener: ByteStreamListener): void {
    this.listener = listener;
    (this.socket as Streamed)[STREAM] = this;
    // The same functions for every socket: thousands that are idle shall not have four of their own each.
    this.socket.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  }

  /**
   * Gives the socket away, with what has come: whoever takes it gets that first. Nothing of it is told here any more.
   * For before anything is written.
   */
  handOver(piece: Buffer): Socket {
    const { socket } = this;
    this.listener = undefined;
    socket.off('data', onData).off('end', onEnd).off('error', onError);
    // Paused, it keeps what is put back until somebody listens and resumes it.
    socket.pause();
    socket.unshift(piece);
    return socket;
  }

  /** For the socket. */
  take(piece: Buffer): void {
    this.listener?.onData(piece);
  }

  tookEnd(): void {
    this.listener?.onEnd();
  }

  /** Set only while a write waits. Node starts it anew with all that is read, and with each part of a write that goes. */
  stuck(): void {
    const { writeTimeoutMs } = this.options;
    this.giveUp(new XtcpError('UNAVAILABLE', `the other side took nothing for ${writeTimeoutMs} ms (writeTimeoutMs)`));
  }

  failed(error: Error): void {
    this.failure = error;
  }

  closed(): void {
    this.listener?.onClose(this.failure);
    this.options.onClosed?.(this.socket);
  }

  get pendingBytes(): number {
    return this.gatheredBytes + this.socket.writableLength;
  }

  get writesBegun(): number {
    return this.begun;
  }

  write(frame: EncodedFrame): boolean {
    if (this.state !== 'open') return true;
    const { pieces } = frame;
    const first = pieces[0];
    if (pieces.length === 1 && typeof first === 'string') {
      this.text += first;
      this.textBytes += frame.bytes;
    } else {
      this.gather(frame);
    }
    this.gatheredBytes += frame.bytes;
    this.writes++;
    if (++this.unflushed >= this.flushAfter || this.gatheredBytes >= HIGH_WATER_BYTES) {
      this.flushAfter = Math.min(this.flushAfter * 2, FLUSH_AFTER_WRITES_AT_MOST);
      this.flush();
    }
    if (!this.flushScheduled) {
      this.flushScheduled = true;
      process.nextTick(SocketStream.flushScheduledNow, this);
    }
    return this.keepsUp();
  }

  end(): boolean {
    if (this.state !== 'open') return true;
    this.state = 'ending';
    this.flush();
    const isDone = this.pendingBytes === 0;
    if (!isDone) this.watchProgress();
    return isDone;
  }

  destroy(): void {
    this.socket.destroy();
  }

  reset(): void {
    // A Unix domain socket knows no reset, and Node throws on asking for one.
    if (this.socket.remoteAddress === undefined) this.socket.destroy();
    // Nor does a TLS socket; the one that carries it does.
    else underneath(this.socket).resetAndDestroy();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  private keepsUp(): boolean {
    const { pendingBytes } = this;
    if (!this.congested) {
      if (pendingBytes < HIGH_WATER_BYTES) return true;
      this.watchProgress();
    }
    const { maxSendBufferSize } = this.options;
    if (pendingBytes > maxSendBufferSize) {
      this.giveUp(
        new XtcpError(
          'RESOURCE_EXHAUSTED',
          `the other side does not read: over ${maxSendBufferSize} bytes wait for it (maxSendBufferSize)`,
        ),
      );
    }
    return false;
  }

  /** From here on something waits to be written, until nothing does. */
  private watchProgress(): void {
    if (!this.congested) this.socket.on('timeout', onTimeout);
    this.congested = true;
    this.socket.setTimeout(this.options.writeTimeoutMs);
  }

  private giveUp(error: XtcpError): void {
    this.dropGathered();
    this.socket.destroy(error);
  }

  private gather({ pieces, lent }: EncodedFrame): void {
    for (const piece of pieces) {
      if (typeof piece === 'string') {
        this.text += piece;
        this.textBytes += Buffer.byteLength(piece);
      } else {
        this.endText();
        this.pieces!.push(piece);
      }
    }
    if (lent !== undefined) (this.lent ??= []).push(lent);
  }

  private endText(): void {
    this.pieces ??= [];
    if (this.text === '') return;
    this.pieces.push(Buffer.from(this.text, this.textEncoding));
    this.text = '';
    this.textBytes = 0;
  }

  /** Where each character is one byte of UTF-8, Latin-1 says the same, and is copied rather than encoded. */
  private get textEncoding(): 'latin1' | 'utf8' {
    return this.textBytes === this.text.length ? 'latin1' : 'utf8';
  }

  private static flushScheduledNow(this: void, stream: SocketStream): void {
    stream.flushScheduled = false;
    stream.flushAfter = FLUSH_AFTER_WRITES;
    stream.flush();
  }

  private flush(): void {
    if (this.socket.destroyed) {
      this.dropGathered();
      return;
    }
    // What is on its way already calls for the rest when it is gone.
    if (this.socket.writableLength >= HIGH_WATER_BYTES) return;
    if (this.gatheredBytes > 0) this.writeOut();
    if (this.state === 'ending') {
      this.state = 'ended';
      this.socket.end(this.whenWritten());
    }
  }

  /** Hands what was gathered to the socket. */
  private writeOut(): void {
    const { socket, text, textEncoding, lent } = this;
    if (this.pieces !== undefined) this.endText();
    const { pieces } = this;
    this.dropGathered();
    this.begun = this.writes;
    if (pieces === undefined) {
      socket.write(text, textEncoding, this.whenWritten());
      return;
    }
    const last = pieces.length - 1;
    const whenWritten = this.whenWritten(lent);
    socket.cork();
    for (const [index, piece] of pieces.entries()) socket.write(piece, index === last ? whenWritten : undefined);
    socket.uncork();
  }

  /** What goes on, behind a write and behind the end, with what waited for it. Not kept while nothing is written. */
  private whenWritten(lent?: readonly Buffer[]): () => void {
    return () => {
      if (lent !== undefined) for (const octets of lent) giveBack(octets);
      if (!this.congested || this.socket.destroyed) return;
      this.flush();
      if (this.pendingBytes > 0) return;
      this.congested = false;
      this.socket.off('timeout', onTimeout).setTimeout(0);
      this.listener?.onDrain();
    };
  }

  private dropGathered(): void {
    this.text = '';
    this.textBytes = 0;
    this.pieces = undefined;
    this.lent = undefined;
    this.gatheredBytes = 0;
    this.unflushed = 0;
  }
}

const STREAM = Symbol('stream');

type Streamed = Socket & { [STREAM]?: SocketStream };

function onData(this: Streamed, piece: Buffer): void {
  this[STREAM]?.take(piece);
}

function onEnd(this: Streamed): void {
  this[STREAM]?.tookEnd();
}

function onTimeout(this: Streamed): void {
  this[STREAM]?.stuck();
}

function onError(this: Streamed, error: Error): void {
  this[STREAM]?.failed(error);
}

function onClose(this: Streamed): void {
  this[STREAM]?.closed();
}
