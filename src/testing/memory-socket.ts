// See pipe.ts.
import { setImmediate } from 'node:timers';
import { Socket, type AddressInfo } from 'node:net';

import { nothing, type Cancel, type Clock } from '../clock/clock.js';
import type { Pipe, Receiver } from './pipe.js';

/** Where the two ends of a connection are; undefined at a path. */
export interface Place {
  readonly address: string;
  readonly port: number;
}

/** What net.Socket declares as read only, and reads from the handle that is missing here. */
interface Shown {
  connecting: boolean;
  pending: boolean;
  timeout: number;
  bytesRead: number;
  bytesWritten: number;
  localAddress: string | undefined;
  localPort: number | undefined;
  localFamily: string | undefined;
  remoteAddress: string | undefined;
  remotePort: number | undefined;
  remoteFamily: string | undefined;
}

type Done = (error?: Error | null) => void;

/** Node's errors of sockets, by their code. */
function socketError(code: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}

/**
 * One end of a connection in memory. To whoever uses it a `net.Socket`, with its events, its backpressure and its
 * half-open ends, though the operating system knows none of it.
 */
export class MemorySocket extends Socket implements Receiver {
  private readonly shown: Shown;
  private stopTimeout: Cancel = nothing;
  private output: Pipe | undefined;
  private input: Pipe | undefined;
  private endSent = false;
  /** The other end knows, or shall not learn, that this one is gone. */
  private silent = false;
  private resets = false;
  /** A write, or the end, that came before the connection stood. */
  private early: (() => void) | undefined;

  /** @param onOpen the connection is asked for, at a server's end, or stands, at a client's */
  constructor(
    private readonly clock: Clock,
    local: Place | undefined,
    remote: Place | undefined,
    private readonly onOpen: (socket: MemorySocket) => void,
  ) {
    super({ allowHalfOpen: true });
    this.shown = {
      connecting: true,
      pending: true,
      timeout: 0,
      bytesRead: 0,
      bytesWritten: 0,
      localAddress: local?.address,
      localPort: local?.port,
      localFamily: local && 'IPv4',
      remoteAddress: remote?.address,
      remotePort: remote?.port,
      remoteFamily: remote && 'IPv4',
    };
    for (const name of Object.keys(this.shown) as (keyof Shown)[]) {
      Object.defineProperty(this, name, {
        get: () => this.shown[name],
        // Node's own code sets one of them, as it lets go of a socket.
        set: (value: never) => {
          this.shown[name] = value;
        },
      });
    }
  }

  /** @param output where what is written here goes, and `input` whence what is read here comes */
  join(output: Pipe, input: Pipe): void {
    this.output = output;
    this.input = input;
  }

  /** The connection is gone, and the other end is told by somebody else. */
  break(code: string, syscall: string): void {
    this.silent = true;
    this.destroy(socketError(code, syscall));
  }

  takeOpen(): void {
    if (this.destroyed) {
      this.answerReset();
      return;
    }
    this.shown.connecting = false;
    this.shown.pending = false;
    this.onOpen(this);
    const { early } = this;
    this.early = undefined;
    early?.();
  }

  takeBytes(bytes: Buffer): boolean {
    if (this.destroyed) {
      this.answerReset();
      return true;
    }
    this.shown.bytesRead += bytes.length;
    this.restartTimeout();
    return this.push(bytes);
  }

  takeEnd(): void {
    if (this.destroyed) return;
    this.push(null);
    // What is paused, and has nothing left to be read, learns of the end all the same, as from Node.
    this.read(0);
  }

  takeFailure(code: string): void {
    if (!this.destroyed) this.break(code, this.connecting ? 'connect' : 'read');
  }

  override setTimeout(ms: number, callback?: () => void): this {
    this.shown.timeout = ms;
    if (callback !== undefined) {
      if (ms === 0) this.off('timeout', callback);
      else this.once('timeout', callback);
    }
    this.restartTimeout();
    return this;
  }

  override resetAndDestroy(): this {
    this.resets = true;
    this.destroy();
    return this;
  }

  override address(): AddressInfo | Record<string, never> {
    const { localAddress, localPort } = this.shown;
    if (localAddress === undefined) return {};
    return { address: localAddress, family: 'IPv4', port: localPort ?? 0 };
  }

  override _read(): void {
    this.input?.resume();
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: Done): void {
    this.transmit([bytesOf(chunk, encoding)], done);
  }

  override _writev(chunks: { chunk: Buffer | string; encoding: BufferEncoding }[], done: Done): void {
    this.transmit(
      chunks.map(({ chunk, encoding }) => bytesOf(chunk, encoding)),
      done,
    );
  }

  override _final(done: Done): void {
    this.whenOpen(() => {
      this.sendEnd();
      done();
    });
  }

  override _destroy(error: Error | null, done: Done): void {
    this.stopTimeout();
    this.stopTimeout = nothing;
    this.early = undefined;
    this.output?.abandon();
    if (!this.silent) {
      // What nobody reads any more is answered by a reset when it arrives; what came before is one by itself.
      if (this.resets || this.connecting || this.readableLength > 0) this.answerReset();
      else this.sendEnd();
    }
    // What is left need not wait for a reader any more.
    this.input?.resume();
    this.shown.connecting = false;
    done(error);
    // Node's own would do this where there is a handle.
    setImmediate(() => {
      this.emit('close', error !== null);
    });
  }

  private transmit(pieces: readonly Buffer[], done: Done): void {
    this.whenOpen(() => {
      const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
      this.shown.bytesWritten += bytes.length;
      this.restartTimeout();
      this.output?.sendBytes(bytes, () => {
        this.restartTimeout();
        done();
      });
    });
  }

  private whenOpen(run: () => void): void {
    if (this.shown.connecting) this.early = run;
    else run();
  }

  private sendEnd(): void {
    if (this.endSent) return;
    this.endSent = true;
    this.output?.sendEnd();
  }

  private answerReset(): void {
    if (this.silent) return;
    this.silent = true;
    this.output?.sendFailure('ECONNRESET');
  }

  private restartTimeout(): void {
    this.stopTimeout();
    this.stopTimeout = nothing;
    if (this.destroyed) return;
    this.stopTimeout = this.clock.after(
      this.shown.timeout,
      () => {
        this.emit('timeout');
      },
      false,
    );
  }
}

/** Copied: what a sender does to its buffer behind a write is not to be seen at the other end. */
function bytesOf(chunk: Buffer | string, encoding: BufferEncoding): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk);
}
