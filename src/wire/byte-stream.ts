import type { EncodedFrame } from './encoder.js';

/** A connection, as far as the protocols need one: bytes both ways, and its two ends. No socket of Node's shows. */
export interface ByteStream {
  /** Hands over what the stream tells from now on. Called once, before anything arrives. */
  attach(listener: ByteStreamListener): void;
  /** Bytes that were written here and that the operating system has not taken yet. */
  readonly pendingBytes: number;
  /** How many writes there were. */
  readonly writes: number;
  /**
   * How many of them have been handed to the operating system, in whole or in part. Nothing of those behind them
   * has left, and where the connection is gone nothing ever will.
   */
  readonly writesBegun: number;
  /**
   * Sends a frame: its pieces in order, strings as UTF-8. Gives back the memory that it has lent.
   * @returns whether the other side keeps up; after `false`, `onDrain` says when it does again.
   */
  write(frame: EncodedFrame): boolean;
  /**
   * Ends this side's output; the other side may go on.
   * @returns whether everything is on its way; after `false`, `onDrain` says when it is
   */
  end(): boolean;
  /** Lets go of the connection at once; the other side learns of it as an end of input. */
  destroy(): void;
  /** Lets go of the connection at once, and in such a way that the other side knows nobody reads any more (RST). */
  reset(): void;
  /** Asks for no `onData` until {@link resume}. */
  pause(): void;
  resume(): void;
}

export interface ByteStreamListener {
  onData(piece: Buffer): void;
  /** The other side has ended its output. */
  onEnd(): void;
  onDrain(): void;
  /** The connection is gone, both ways. Said once, last, and also after `destroy` and `reset`. */
  onClose(error: Error | undefined): void;
}
