import type { Cancel, Clock } from '../clock/clock.js';
import { XtcpError } from '../errors/xtcp-error.js';
import type { ByteStream, ByteStreamListener } from './byte-stream.js';
import { FrameDecoder, type FrameLimits, type FrameTaker } from './decoder.js';
import { encodeFrame, type EncodedFrame, type Field } from './encoder.js';
import type { Frame } from './frame.js';

export interface FrameStreamLimits extends FrameLimits {
  /** Milliseconds that the other side may be silent in the middle of a frame; 0 for any time. */
  readonly incompleteMessageTimeout: number;
}

export interface FrameStreamListener {
  /** A frame has arrived; `frame` is to be read before this returns. Must not throw. */
  onFrame(frame: Frame): void;
  /**
   * What arrives is no frame, is over a limit, or stalls. Said once; no further frame comes, and the connection waits
   * for {@link FrameStream.finish} or {@link FrameStream.destroy}.
   */
  onBadInput(error: XtcpError): void;
  /** The other side has ended its output, in the middle of a frame or between two. No further frame comes. */
  onEnd(midFrame: boolean): void;
  /**
   * The other side has ended its output, but frames are held that came before: `onEnd` follows when they have been
   * handed over.
   */
  onEndAhead?(): void;
  /** The other side takes more again, after {@link FrameStream.send} returned false. */
  onDrain(): void;
  /** The connection is gone, both ways. Said once, last. */
  onClose(error: Error | undefined): void;
}

/** Milliseconds that a connection still takes in, and throws away, what the other side sends behind our last frame. */
const LINGER_MS = 1000;

/**
 * Frames over a byte stream, the same for both protocols and both roles: decodes what arrives, encodes what is sent,
 * finds frames that stall, and closes so that last words arrive.
 */
export class FrameStream implements ByteStreamListener, FrameTaker {
  /** Undefined between two frames, where an idle connection mostly is. */
  private decoder: FrameDecoder | undefined;
  private cancelStall: Cancel | undefined;
  private cancelLinger: Cancel | undefined;
  private state: 'open' | 'finishing' | 'closed' = 'open';
  /** Whether the listener takes frames: not while it holds them, and no more behind bad input and the end. */
  private input: 'taken' | 'held' | 'ignored' = 'taken';
  private decoding = false;
  private lived: number;
  private inputEnded = false;

  constructor(
    private readonly bytes: ByteStream,
    private limits: FrameStreamLimits,
    private readonly clock: Clock,
    private listener: FrameStreamListener,
  ) {
    this.lived = clock.now();
    bytes.attach(this);
  }

  /** For the decoder. */
  onFrame(frame: Frame): void {
    this.listener.onFrame(frame);
  }

  /** For the byte stream. */
  onData(piece: Buffer): void {
    this.lived = this.clock.now();
    // While frames are held, one piece is still read: so an end or a reset behind it is noticed.
    if (this.held) this.bytes.pause();
    this.take(piece);
  }

  onEnd(): void {
    this.inputEnded = true;
    if (this.held) this.listener.onEndAhead?.();
    this.settleEnd();
  }

  onDrain(): void {
    this.lived = this.clock.now();
    if (this.state === 'finishing') this.linger();
    else this.listener.onDrain();
  }

  onClose(error: Error | undefined): void {
    this.closed();
    this.listener.onClose(error);
  }

  /** Milliseconds of the clock at which something last came, or could be written behind a wait. */
  get livedAt(): number {
    return this.lived;
  }

  /** Frames sent so far; at once behind {@link send} the number of that frame, for {@link hasBegun}. */
  get framesSent(): number {
    return this.bytes.writes;
  }

  /** Whether any of frame number `frame` may have left; what has not when the connection is gone never will. */
  hasBegun(frame: number): boolean {
    return frame <= this.bytes.writesBegun;
  }

  /** Whether what was sent still waits for the other side to take it. */
  get isWriting(): boolean {
    return this.pendingBytes > 0;
  }

  private get held(): boolean {
    return this.input === 'held';
  }

  /** Tells `listener` everything from here on, in the place of the one before. */
  handTo(listener: FrameStreamListener): void {
    this.listener = listener;
  }

  /** Other limits count from here on. */
  limitTo(limits: FrameStreamLimits): void {
    this.limits = limits;
    this.decoder?.limitTo(limits);
  }

  /**
   * Sends one frame.
   * @returns whether the other side keeps up; after `false`, `onDrain` says when it does again.
   */
  send(fields: readonly Field[]): boolean {
    return this.sendEncoded(encodeFrame(fields));
  }

  /** As {@link send}, for a frame whose size was looked at. */
  sendEncoded(frame: EncodedFrame): boolean {
    if (this.state !== 'open') return true;
    return this.bytes.write(frame);
  }

  /** Bytes that were sent and that the operating system has not taken yet. */
  get pendingBytes(): number {
    return this.bytes.pendingBytes;
  }

  /** Hands over no further frame until {@link release}, not even one that is already here. */
  hold(): void {
    if (this.input !== 'taken') return;
    this.input = 'held';
    this.cancelStall?.();
    this.decoder?.hold();
  }

  release(): void {
    if (!this.held) return;
    this.input = 'taken';
    this.take(undefined);
    // Only behind what was kept: else each round would read more than it takes.
    if (!this.held) this.bytes.resume();
  }

  /**
   * Ends the output. What still arrives is thrown away until the other side ends too, or for a second behind the last
   * frame: closing with unread input would reset the connection, and that frame with it.
   */
  finish(): void {
    if (this.state !== 'open') return;
    this.state = 'finishing';
    this.stopTaking();
    this.bytes.resume();
    if (this.bytes.end()) this.linger();
  }

  /** Lets go of the connection at once. */
  destroy(): void {
    if (this.state === 'closed') return;
    this.closed();
    this.bytes.destroy();
  }

  /** Lets go of the connection at once, telling the other side that nobody waits for its answer (RST). */
  reset(): void {
    if (this.state === 'closed') return;
    this.closed();
    this.bytes.reset();
  }

  /** @param piece what has come; undefined for what the decoder kept while it was held */
  private take(piece: Buffer | undefined): void {
    if (this.input === 'ignored') return;
    if (this.decoding) {
      // Called from within onFrame: the decoding under way goes on where it is.
      this.decode(piece);
      return;
    }
    this.decoding = true;
    try {
      this.decode(piece);
    } catch (error) {
      this.badInput(error as XtcpError);
      return;
    } finally {
      this.decoding = false;
    }
    if (this.decoder?.isEmpty === true) this.decoder = undefined;
    this.watchStall();
    this.settleEnd();
  }

  private decode(piece: Buffer | undefined): void {
    if (piece === undefined) this.decoder?.release();
    else (this.decoder ??= this.newDecoder()).push(piece);
  }

  private newDecoder(): FrameDecoder {
    const decoder = new FrameDecoder(this.limits, this);
    if (this.held) decoder.hold();
    return decoder;
  }

  /** The silence of the other side counts while a frame is under way and nothing here keeps it from going on. */
  private watchStall(): void {
    this.cancelStall?.();
    if (this.input !== 'taken' || this.decoder?.midFrame !== true) return;
    const { incompleteMessageTimeout } = this.limits;
    this.cancelStall = this.clock.after(incompleteMessageTimeout, () => {
      this.badInput(
        new XtcpError(
          'DEADLINE_EXCEEDED',
          `nothing came for ${incompleteMessageTimeout} ms (incompleteMessageTimeout) in the middle of a frame`,
        ),
      );
    });
  }

  private linger(): void {
    if (this.inputEnded || this.cancelLinger !== undefined) return;
    this.cancelLinger = this.clock.after(LINGER_MS, () => {
      this.bytes.destroy();
    });
  }

  /** Tells of the end of the input, once all frames before it have been handed over. */
  private settleEnd(): void {
    if (!this.inputEnded || this.input !== 'taken') return;
    const midFrame = this.decoder?.midFrame === true;
    this.stopTaking();
    this.listener.onEnd(midFrame);
  }

  private badInput(error: XtcpError): void {
    this.stopTaking();
    this.listener.onBadInput(error);
  }

  private stopTaking(): void {
    this.input = 'ignored';
    this.decoder?.hold();
    this.decoder = undefined;
    this.cancelStall?.();
  }

  private closed(): void {
    this.state = 'closed';
    this.stopTaking();
    this.cancelLinger?.();
  }
}
