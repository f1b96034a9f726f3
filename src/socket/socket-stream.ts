import type { Socket } from 'node:net';

import { XtcpError } from '../errors/xtcp-error.js';
import type { ByteStream, ByteStreamListener } from '../wire/byte-stream.js';
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

/**
 * Text over this size is not joined to its neighbours but handed to the socket as it is, which encodes it into memory
 * that the garbage collector never sees.
 */
const APART_FROM = 16 * 1024;

/** Bytes that may wait before the other side counts as one that does not keep up; no more are gathered unflushed. */
const HIGH_WATER_BYTES = 64 * 1024;

/**
 * A socket of Node's as a {@link ByteStream}. What is written within one turn of the event loop is gathered into few
 * system calls: neighbouring strings become one. While the operating system takes nothing, what is written waits here
 * and not in the socket, so that it is known which frames have certainly not left.
 */
export class SocketStream implements ByteStream {
  private text = '';
  /** Undefined where nothing waits, as for an idle connection. */
  private gathered: (string | Uint8Array)[] | undefined;
  private gatheredBytes = 0;
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

  write(pieces: readonly (string | Uint8Array)[]): boolean {
    if (this.state !== 'open') return true;
    for (const piece of pieces) {
      this.gatheredBytes += piece.length;
      if (typeof piece === 'string' && piece.length <= APART_FROM) {
        this.text += piece;
      } else {
        this.endText();
        (this.gathered ??= []).push(piece);
      }
    }
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

  private endText(): void {
    if (this.text === '') return;
    (this.gathered ??= []).push(this.text);
    this.text = '';
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
    this.endText();
    const pieces = this.gathered;
    if (pieces !== undefined) {
      const { length } = pieces;
      this.dropGathered();
      this.begun = this.writes;
      if (length > 1) this.socket.cork();
      for (const [index, piece] of pieces.entries()) {
        this.socket.write(piece, encodingOf(piece), index === length - 1 ? this.whenWritten() : undefined);
      }
      if (length > 1) this.socket.uncork();
    }
    if (this.state === 'ending') {
      this.state = 'ended';
      this.socket.end(this.whenWritten());
    }
  }

  /** What goes on, behind a write and behind the end, with what waited for it. Not kept while nothing is written. */
  private whenWritten(): () => void {
    return () => {
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
    this.gathered = undefined;
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

/** Where each character is one byte of UTF-8, Latin-1 says the same, and is copied rather than encoded. */
function encodingOf(piece: string | Uint8Array): 'latin1' | 'utf8' {
  return typeof piece === 'string' && Buffer.byteLength(piece) === piece.length ? 'latin1' : 'utf8';
}
