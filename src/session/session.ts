import type { Clock } from '../clock/clock.js';
import type { Deadlines } from '../clock/deadlines.js';
import { fromSocketError } from '../errors/from-node.js';
import { XtcpError, type XtcpErrorCode } from '../errors/xtcp-error.js';
import { toJson, type Packer, MSGPACK_LETTER } from '../wire/codec.js';
import { encodeFrame, type EncodedFrame, type Field } from '../wire/encoder.js';
import type { FrameStream, FrameStreamListener } from '../wire/frame-stream.js';
import type { Frame } from '../wire/frame.js';
import { Kind, type Head } from '../wire/head.js';
import type { MetadataLimits } from '../wire/metadata.js';
import { ControlBudget } from './control-budget.js';
import type { Hello, Terms } from './hello.js';
import { KeepAlive, type KeepAliveLimits, type KeptAlive } from './keep-alive.js';

export interface SessionLimits extends MetadataLimits, KeepAliveLimits {
  /** Bytes that a source which cannot be paused may push ahead of its reader. */
  readonly maxAheadBytes: number;
  /** Frames without call or item that the other side may send in a second, beside those that come with them. */
  readonly maxControlFramesPerSecond: number;
  /** Bytes that a pattern may have. */
  readonly maxPatternBytes: number;
}

/** What a session is on its own side; the same for all connections of a server, of which thousands may be idle. */
export interface SessionSide<Limits extends SessionLimits = SessionLimits> {
  /** What this side says of itself. */
  readonly hello: Hello;
  readonly limits: Limits;
  readonly clock: Clock;
  /** For what has to be looked at from time to time; of many connections together. */
  readonly deadlines: Deadlines;
  /** Where it is there. */
  readonly msgpack: Packer | undefined;
}

/** Fields of a frame that opens a call, and of one that answers or carries an item. */
export const OPENING = { pattern: 1, payload: 2, metadata: 3 } as const;
export const CARRYING = { payload: 1, metadata: 2 } as const;
/** Fields of `C` (its metadata) and of `E` (its error and metadata). */
export const ENDING = { metadata: 1, error: 1, errorMetadata: 2 } as const;

/** The most milliseconds that a head can say. */
export const MAX_DEADLINE_MS = 2 ** 31 - 1;

/** What `G` says. */
export interface GoingAway {
  readonly code?: unknown;
  readonly reason?: unknown;
  readonly last?: unknown;
}

/**
 * One connection that speaks sessions, once both hellos are in: what is the same for both roles. Takes frames apart,
 * answers pings, finds silent peers, hands out credit, and goes away in order (docs/protocol.md, "Frames").
 */
export abstract class Session implements FrameStreamListener, KeptAlive {
  /** `open`, `ending`: our last frame is on the wire, `closed`: gone. */
  protected state: 'open' | 'ending' | 'closed' = 'open';
  /** The highest id that opened a call here. */
  protected highest = 0;
  /** MessagePack, where both sides speak it. */
  readonly packer: Packer | undefined;
  protected readonly control: ControlBudget;
  private readonly keepAlive: KeepAlive;

  constructor(
    readonly frames: FrameStream,
    protected readonly side: SessionSide,
    /** What the other side has said of itself. */
    readonly peer: Terms,
  ) {
    this.packer = peer.codecs.includes(MSGPACK_LETTER) ? side.msgpack : undefined;
    this.control = new ControlBudget(side);
    this.keepAlive = new KeepAlive(this);
  }

  get limits(): SessionLimits {
    return this.side.limits;
  }

  get deadlines(): Deadlines {
    return this.side.deadlines;
  }

  /** @throws {XtcpError} PROTOCOL_ERROR where a payload of that codec may not be sent here */
  protected checkCodec(letter: string): void {
    if ('-tjb'.includes(letter) || (letter === MSGPACK_LETTER && this.packer !== undefined)) return;
    throw new XtcpError('PROTOCOL_ERROR', 'a payload has a codec that was not agreed on');
  }

  onFrame(frame: Frame): void {
    if (this.state !== 'open') return;
    try {
      this.take(frame.head(), frame);
    } catch (error) {
      this.protocolError(error as XtcpError);
    }
  }

  onBadInput(error: XtcpError): void {
    this.protocolError(error);
  }

  /** The end of the input ends every call on the connection. */
  onEnd(midFrame: boolean): void {
    const how = midFrame ? 'in the middle of a frame' : 'before the call had ended';
    this.lost(new XtcpError('UNAVAILABLE', `the other side closed the connection ${how}`));
    this.frames.finish();
  }

  /** For {@link KeepAlive}. */
  abstract ping(): void;

  onSilence(): void {
    const { keepAliveTimeoutMs } = this.limits;
    const error = new XtcpError(
      'UNAVAILABLE',
      `the other side gave no sign of life for ${keepAliveTimeoutMs} ms behind a ping`,
    );
    this.gaveUp(error);
    this.lost(error);
    this.frames.destroy();
  }

  abstract onDrain(): void;

  onClose(error: Error | undefined): void {
    this.lost(error === undefined ? new XtcpError('UNAVAILABLE', 'the connection was closed') : fromSocketError(error));
    this.keepAlive.stop();
    this.state = 'closed';
  }

  /** Takes a frame of this role's calls. @throws {XtcpError} PROTOCOL_ERROR */
  protected abstract takeCallFrame(head: Head, frame: Frame): void;
  /** More credit for the items that this side sends in call `id`; for one that is not live, nothing. */
  protected abstract grant(id: number, bytes: number): void;
  protected abstract peerGoesAway(message: GoingAway): void;
  /** The other side has answered the ping with that number. */
  protected abstract takePong(number: number): void;
  /** The connection carries nothing any more: ends every call. May be said more than once. */
  protected abstract lost(error: XtcpError): void;

  /** This side lets go of the connection, for what the other side does not do. */
  protected gaveUp(_error: XtcpError): void {}

  protected send(fields: readonly Field[]): boolean {
    return this.sendEncoded(encodeFrame(fields));
  }

  sendEncoded(frame: EncodedFrame): boolean {
    return this.state === 'open' ? this.frames.sendEncoded(frame) : true;
  }

  /** Says `G`. @param last the highest id that ran or will run; left out where all that arrive do */
  protected sayGoingAway(code: XtcpErrorCode, reason: string, last?: number): void {
    this.send([Kind.GoingAway, toJson({ code, reason, ...(last !== undefined && { last }) })]);
  }

  /** Half-closes behind the last frame. */
  protected end(): void {
    if (this.state !== 'open') return;
    this.state = 'ending';
    this.keepAlive.stop();
    this.frames.finish();
  }

  /** The other side broke the protocol: tells it so, fails the calls, and closes. */
  protected protocolError(error: XtcpError): void {
    if (this.state !== 'open') return;
    this.sayGoingAway(error.code, error.message, this.lastRun);
    this.end();
    this.lost(error);
  }

  /** The highest id that ran, where this side is the one that runs calls. */
  protected get lastRun(): number | undefined {
    return undefined;
  }

  /** Whether a frame may go to the other side, which takes so many bytes at once. */
  fits(frame: EncodedFrame): boolean {
    return frame.fieldBytes <= this.peer.maxFrame;
  }

  /** For frames about a call that is not live: skipped where it was, else against the protocol. */
  protected skipLate(id: number): void {
    if (id === 0 || id > this.highest) {
      throw new XtcpError('PROTOCOL_ERROR', `a frame is about call ${id}, which was never opened`);
    }
    this.control.spend();
  }

  private take(head: Head, frame: Frame): void {
    switch (head.kind) {
      case Kind.Credit:
        if (head.first === undefined || head.first < 1) {
          throw new XtcpError('PROTOCOL_ERROR', 'a grant of credit has no number of bytes above 0');
        }
        this.grant(head.id, head.first);
        return;
      case Kind.Ping:
        this.control.spend();
        this.send([Kind.Pong + String(head.id)]);
        return;
      case Kind.Pong:
        this.control.spend();
        this.takePong(head.id);
        return;
      case Kind.GoingAway:
        this.control.spend();
        this.peerGoesAway(readGoingAway(frame));
        return;
      default:
        this.takeCallFrame(head, frame);
    }
  }

  /** What a kind that this side does not know means. */
  protected unknownKind(kind: string): void {
    // Lower case is for what a peer may add later without asking.
    if (kind >= 'a') {
      this.control.spend();
      return;
    }
    throw new XtcpError('PROTOCOL_ERROR', `a frame has the kind ${kind}, which is not known here`);
  }
}

function readGoingAway(frame: Frame): GoingAway {
  if (frame.count < 2) throw new XtcpError('PROTOCOL_ERROR', 'a frame that says going away has no second field');
  let message: unknown;
  try {
    message = JSON.parse(frame.text(1)) as unknown;
  } catch {
    message = undefined;
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    throw new XtcpError('PROTOCOL_ERROR', 'a frame that says going away has no JSON object');
  }
  return message;
}

/** The error of a frame that has too few fields. */
export function missing(what: string): XtcpError {
  return new XtcpError('PROTOCOL_ERROR', `a frame lacks a field: ${what}`);
}
