import type { Socket } from 'node:net';

import type { ByteStream, ByteStreamListener } from '../wire/byte-stream.js';
import { underneath } from './underneath.js';

/** Frames gathered before they are written out, so that the other side starts on them while this one goes on. */
const FLUSH_AFTER_WRITES = 16;

/**
 * A socket of Node's as a {@link ByteStream}. What is written within one turn of the event loop is gathered into few
 * system calls: neighbouring strings become one.
 */
export class SocketStream implements ByteStream {
  private text = '';
  private gathered: (string | Uint8Array)[] = [];
  private writes = 0;
  private flushScheduled = false;
  private endPending = false;

  constructor(readonly socket: Socket) {}

  attach(listener: ByteStreamListener): void {
    let failure: Error | undefined;
    const { socket } = this;
    socket.on('data', (piece: Buffer) => {
      listener.onData(piece);
    });
    socket.on('end', () => {
      listener.onEnd();
    });
    const onDrain = (): void => {
      listener.onDrain();
    };
    socket.on('drain', onDrain);
    // Behind end() there is no 'drain' any more.
    socket.on('finish', () => {
      if (this.endPending) listener.onDrain();
    });
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => {
      listener.onClose(failure);
    });
  }

  write(pieces: readonly (string | Uint8Array)[]): boolean {
    for (const piece of pieces) {
      if (typeof piece === 'string') {
        this.text += piece;
      } else {
        this.endText();
        this.gathered.push(piece);
      }
    }
    if (++this.writes >= FLUSH_AFTER_WRITES) {
      this.flush();
    } else if (!this.flushScheduled) {
      this.flushScheduled = true;
      process.nextTick(() => {
        this.flushScheduled = false;
        this.flush();
      });
    }
    return !this.socket.writableNeedDrain;
  }

  end(): boolean {
    this.flush();
    this.socket.end();
    this.endPending = this.socket.writableLength > 0;
    return !this.endPending;
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

  private endText(): void {
    if (this.text === '') return;
    this.gathered.push(this.text);
    this.text = '';
  }

  private flush(): void {
    this.endText();
    const pieces = this.gathered;
    this.writes = 0;
    if (pieces.length === 0) return;
    this.gathered = [];
    if (this.socket.destroyed || this.socket.writableEnded) return;
    const [only] = pieces;
    if (pieces.length === 1 && only !== undefined) {
      this.socket.write(only);
      return;
    }
    this.socket.cork();
    for (const piece of pieces) this.socket.write(piece);
    this.socket.uncork();
  }
}
