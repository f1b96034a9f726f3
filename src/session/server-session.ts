import type { Clock } from '../clock/clock.js';
import { IdleWatch } from '../clock/idle-watch.js';
import { XtcpError, type XtcpErrorCode } from '../errors/xtcp-error.js';
import { decodeValue, type Packer } from '../wire/codec.js';
import type { EncodedFrame } from '../wire/encoder.js';
import { encodeError, readError } from '../wire/error-field.js';
import type { FrameStream } from '../wire/frame-stream.js';
import type { Frame } from '../wire/frame.js';
import { Kind, type Head } from '../wire/head.js';
import { decodeMetadata } from '../wire/metadata.js';
import { IncomingCredit, OutgoingCredit } from './credit.js';
import { Inbox } from './inbox.js';
import {
  CARRYING,
  ENDING,
  MAX_DEADLINE_MS,
  OPENING,
  missing,
  Session,
  type GoingAway,
  type SessionLimits,
} from './session.js';
import type { Hello } from './hello.js';
import { Ack, ServedCall, type OpenedCall, type ServedCallWire } from './served-call.js';

export interface ServerSessionLimits extends SessionLimits {
  /** Milliseconds without a call after which the client is asked to leave, and again after which it has to; 0: never. */
  readonly idleTimeoutMs: number;
}

/** What serves the calls. */
export type ServeCall = (call: ServedCall) => void;

/** The serving side of a session. */
export class ServerSession extends Session {
  /** Calls whose caller waits, or which still have an input. */
  private readonly live = new Map<number, ServedCall>();
  /** Calls that hold a place. */
  private readonly places = new Set<ServedCall>();
  private goingAway = false;
  private peerLeft = false;
  private congested = false;
  private readonly wire: ServedCallWire;
  private readonly idle: IdleWatch;

  constructor(
    frames: FrameStream,
    own: Hello,
    peer: Hello,
    limits: ServerSessionLimits,
    clock: Clock,
    msgpack: Packer | undefined,
    private readonly serve: ServeCall,
    private readonly onBroken: (error: XtcpError) => void,
  ) {
    super(frames, own, peer, limits, clock, msgpack);
    this.wire = {
      send: (frame) => this.sendEncoded(frame),
      fits: (frame) => this.fits(frame),
      ended: (call) => {
        this.live.delete(call.opened.id);
        // A caller that has not yet heard of the end may go on to send.
        if (call.inputCredit !== undefined && !call.inputEnded) this.control.allow(call.inputCredit.itemsUnderWay);
        this.settle();
      },
      itemSent: () => {
        this.control.earn();
      },
      left: (call) => {
        this.places.delete(call);
        if (this.places.size === 0) this.idle.touch();
        this.settle();
      },
      packer: () => this.packer,
      maxErrorBytes: peer.maxFrame - 32,
      metadataLimits: limits,
    };
    const { idleTimeoutMs } = limits;
    this.idle = new IdleWatch(
      clock,
      idleTimeoutMs,
      () => this.places.size > 0,
      () => {
        const reason = `the connection carried no call for ${idleTimeoutMs} ms`;
        // CANCELLED, since the server is well: the client need not look for another one before it has a call.
        if (this.goingAway) this.leave('CANCELLED', reason);
        else this.askToLeave('CANCELLED', reason);
      },
    );
  }

  /** Asks the client to go elsewhere; what still arrives is served. */
  drain(): void {
    this.askToLeave('UNAVAILABLE', 'the server is shutting down');
  }

  /** The grace period is over: names the last call that ran, and closes. */
  cut(): void {
    this.leave('UNAVAILABLE', 'the server has shut down');
  }

  override onClose(error: Error | undefined): void {
    if (error instanceof XtcpError) this.onBroken(error);
    this.idle.stop();
    super.onClose(error);
  }

  override onDrain(): void {
    this.congested = false;
    this.frames.release();
  }

  protected override takeCallFrame(head: Head, frame: Frame): void {
    switch (head.kind) {
      case Kind.Call:
      case Kind.CallWithInput:
      case Kind.Event:
        this.open(head, frame);
        return;
      case Kind.Item:
        this.takeItem(head, frame);
        return;
      case Kind.Complete:
        this.endOfInput(head)?.complete();
        return;
      case Kind.Error:
        if (frame.count < 2) throw missing('an error');
        this.endOfInput(head)?.fail(readError(frame, ENDING.error));
        return;
      case Kind.Cancel: {
        const call = this.live.get(head.id);
        if (call === undefined) this.skipLate(head.id);
        else call.cancel(new XtcpError('CANCELLED', 'the caller cancelled the call'));
        return;
      }
      default:
        this.unknownKind(head.kind);
    }
  }

  protected override get lastRun(): number {
    return this.highest;
  }

  protected override grant(id: number, bytes: number): void {
    const call = this.live.get(id);
    if (call === undefined) this.skipLate(id);
    else call.items.credit.grant(bytes);
  }

  protected override peerGoesAway(_message: GoingAway): void {
    this.peerLeft = true;
    this.settle();
  }

  protected override protocolError(error: XtcpError): void {
    if (this.state === 'open') this.onBroken(error);
    super.protocolError(error);
  }

  protected override lost(error: XtcpError): void {
    for (const call of this.places) call.disconnected(error);
  }

  /** A server may wait for a client that does not read, by not reading either. */
  protected override sendEncoded(frame: EncodedFrame): boolean {
    const keepsUp = super.sendEncoded(frame);
    if (!keepsUp && !this.congested) {
      this.congested = true;
      this.frames.hold();
    }
    return keepsUp;
  }

  private askToLeave(code: XtcpErrorCode, reason: string): void {
    if (this.goingAway || this.state !== 'open') return;
    this.goingAway = true;
    this.sayGoingAway(code, reason);
  }

  private leave(code: XtcpErrorCode, reason: string): void {
    this.sayGoingAway(code, reason, this.highest);
    this.end();
    this.lost(new XtcpError(code, reason));
  }

  private settle(): void {
    // A client that is going away closes when its calls have ended; so nothing is owed to it behind that.
    if (this.peerLeft && this.live.size === 0) this.end();
  }

  private open(head: Head, frame: Frame): void {
    if (frame.count < 3) throw missing('a pattern or a payload');
    if (head.id <= this.highest) {
      throw new XtcpError('PROTOCOL_ERROR', `call ${head.id} was opened behind call ${this.highest}`);
    }
    this.checkCodec(head.codec);
    const isEvent = head.kind === Kind.Event;
    const ack = isEvent ? (head.first ?? Ack.Received) : Ack.Handled;
    const timeoutMs = isEvent ? head.second : head.first;
    if (ack > Ack.Handled || (timeoutMs ?? 0) > MAX_DEADLINE_MS) {
      throw new XtcpError('PROTOCOL_ERROR', 'the head of a call has a number out of range');
    }
    this.highest = head.id;
    this.control.earn();
    try {
      this.start(head, frame, isEvent, ack, timeoutMs);
    } catch (error) {
      // One bad call harms no other.
      if (!(error instanceof XtcpError) || error.code === 'PROTOCOL_ERROR') throw error;
      if (isEvent && ack === Ack.None) return;
      const told = new XtcpError(error.code, error.message, { executed: false });
      this.send([`${Kind.Error}${head.id}`, encodeError(told, this.wire.maxErrorBytes)]);
    }
  }

  private start(head: Head, frame: Frame, isEvent: boolean, ack: number, timeoutMs: number | undefined): void {
    const { id } = head;
    if (this.places.size >= this.own.maxCalls) {
      throw new XtcpError('RESOURCE_EXHAUSTED', `${this.own.maxCalls} calls run on this connection (maxCalls)`);
    }
    if (timeoutMs === 0) throw new XtcpError('DEADLINE_EXCEEDED', 'the call had no time left');
    const { maxPatternBytes } = this.limits;
    if (frame.length(OPENING.pattern) > maxPatternBytes) {
      throw new XtcpError('RESOURCE_EXHAUSTED', `the pattern is over ${maxPatternBytes} bytes (maxPatternBytes)`);
    }
    const data = decodeValue(frame, OPENING.payload, head.codec, this.packer);
    const pattern = frame.text(OPENING.pattern);
    const metadata = decodeMetadata(frame, OPENING.metadata, this.limits);
    let input: Inbox | undefined;
    let inputCredit: IncomingCredit | undefined;
    if (head.kind === Kind.CallWithInput) {
      inputCredit = new IncomingCredit(this.own.window, (bytes) => {
        if (call.isLive) this.send([`${Kind.Credit}${id} ${bytes}`]);
      });
      input = new Inbox(() => {});
    }
    const opened: OpenedCall = {
      id,
      kind: isEvent ? 'event' : 'call',
      ack,
      pattern,
      data,
      metadata,
      timeoutMs,
      codec: head.codec,
    };
    const credit = new OutgoingCredit(this.peer.window);
    const call: ServedCall = new ServedCall(
      opened,
      input,
      inputCredit,
      credit,
      this.limits.maxAheadBytes,
      this.wire,
      this.clock,
    );
    this.live.set(id, call);
    this.places.add(call);
    this.serve(call);
  }

  /** The call whose input a frame is about; undefined where it is not live any more. */
  private callWithInput(head: Head): ServedCall | undefined {
    const call = this.live.get(head.id);
    if (call === undefined) this.skipLate(head.id);
    else if (call.input === undefined || call.inputEnded) {
      throw new XtcpError('PROTOCOL_ERROR', `a frame is about the input of call ${head.id}, which has none any more`);
    }
    return call;
  }

  private endOfInput(head: Head): Inbox | undefined {
    const call = this.callWithInput(head);
    if (call !== undefined) call.inputEnded = true;
    return call?.input;
  }

  private takeItem(head: Head, frame: Frame): void {
    if (frame.count < 2) throw missing('a payload');
    const call = this.callWithInput(head);
    if (call === undefined) return;
    const { input, inputCredit } = call;
    const bytes = frame.length(CARRYING.payload);
    inputCredit?.arrived(bytes);
    this.control.earn();
    let value: unknown;
    try {
      value = decodeValue(frame, CARRYING.payload, head.codec, this.packer);
    } catch (error) {
      if ((error as XtcpError).code === 'PROTOCOL_ERROR') throw error;
      call.abort(error as XtcpError);
      return;
    }
    input?.push(value, () => {
      inputCredit?.consumed(bytes);
    });
  }
}
