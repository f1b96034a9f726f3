import { nothing, type Cancel } from '../clock/clock.js';
import { quoteForMessage, XtcpError } from '../errors/xtcp-error.js';
import { ACKS, type EventAck } from '../options/client-options.js';
import { decodeValue, MSGPACK_LETTER, type EncodedValue } from '../wire/codec.js';
import { AROUND_ERROR_BYTES, encodeError, readError } from '../wire/error-field.js';
import { encodeValueFrame, type EncodedFrame } from '../wire/encoder.js';
import type { FrameStream } from '../wire/frame-stream.js';
import type { Frame } from '../wire/frame.js';
import { Kind, type Head } from '../wire/head.js';
import { decodeMetadata, type EncodedMetadata, type Metadata } from '../wire/metadata.js';
import { CallTable } from './call-table.js';
import { IncomingCredit, OutgoingCredit } from './credit.js';
import type { Terms } from './hello.js';
import { ItemSender } from './item-sender.js';
import { Pings, type PingObserver } from './pings.js';
import { CARRYING, ENDING, MAX_DEADLINE_MS, missing, Session, type GoingAway, type SessionSide } from './session.js';

/** A call or event on its way, ready to be written. What it is told must not throw: the connection is not its own. */
export interface OutgoingCall {
  readonly kind: 'call' | 'event';
  readonly pattern: string;
  readonly data: EncodedValue;
  /** Items to be streamed to the handler, in the place of data. */
  readonly input: ((sender: ItemSender) => void) | undefined;
  readonly metadata: EncodedMetadata;
  /** The moment of the clock by which the caller wants to have its answer; undefined for any time. */
  readonly deadline: number | undefined;
  /** Milliseconds until then, where the call has just been made, so that nobody need look at the clock. */
  readonly msLeft?: number | undefined;
  readonly ack: EventAck;
  /** Whether values that are neither text nor octets go as MessagePack, both ways. */
  readonly msgpack: boolean;
  /**
   * A value has come.
   * @param taken to be called when the caller has taken it: that is what lets the server send more
   * @param bytes of its payload
   */
  onValue(value: unknown, taken: () => void, bytes: number): void;
  /** An item of its input has been sent, of so many bytes. */
  onSent(bytes: number): void;
  /** The end. Exactly one of the two is called, once, unless the call is cancelled. */
  onComplete(metadata: Metadata | undefined): void;
  onError(error: XtcpError, metadata?: Metadata): void;
  /**
   * The end, in the place of {@link onError}, of a call that was on the connection when the server turned it away or
   * the connection was lost; `executed` says what is known of it.
   */
  onReturned(error: XtcpError, metadata?: Metadata): void;
}

export interface ClientSessionListener {
  /** A call has ended, so there may be room for another. */
  onRoom(): void;
  /** The connection was lost while calls were on it. Said before they are told. */
  onLost(error: XtcpError): void;
  /**
   * No further call can be opened here. Said once.
   * @param isWanted whether there is reason to look for another connection before a call needs one
   */
  onLeaving(isWanted: boolean): void;
}

interface LiveCall {
  readonly id: number;
  readonly call: OutgoingCall;
  /** The number of the frame that opened it (FrameStream.framesSent). */
  openedBy: number;
  /** The server's, for the items of its answer; from the first of them on. */
  credit: IncomingCredit | undefined;
  readonly input: ItemSender | undefined;
}

/** The calling side of a session. */
export class ClientSession extends Session {
  private readonly live = new CallTable<LiveCall>();
  private leaving = false;
  /** Whether what was sent waits for the server to take it. */
  private congested = false;
  private served = false;
  private readonly pings = new Pings((number) => {
    this.send([Kind.Ping + String(number)]);
  });

  constructor(
    frames: FrameStream,
    side: SessionSide,
    peer: Terms,
    private readonly listener: ClientSessionListener,
  ) {
    super(frames, side, peer);
  }

  /** Calls that have not ended. */
  get calls(): number {
    return this.live.size;
  }

  /** Whether a call has ended here, as it does with a server that is well. */
  get hasServed(): boolean {
    return this.served;
  }

  /** Whether another call may be opened now. */
  get hasRoom(): boolean {
    return !this.leaving && !this.congested && this.state === 'open' && this.live.size < this.peer.maxCalls;
  }

  /**
   * Opens a call.
   * @returns what to call when its answer is not wanted any more; it is told of nothing then
   */
  open(call: OutgoingCall): Cancel {
    const { data, pattern, metadata } = call;
    if (data.letter === MSGPACK_LETTER && this.packer === undefined) {
      call.onError(new XtcpError('UNIMPLEMENTED', 'the server does not speak MessagePack', { executed: false }));
      return nothing;
    }
    const id = this.highest + 1;
    const head = this.headOf(call, id);
    const frame = encodeValueFrame(head, pattern, data.payload, metadata);
    if (!this.fits(frame)) {
      call.onError(
        new XtcpError('RESOURCE_EXHAUSTED', `the call is over the server's maxFrame, ${this.peer.maxFrame} bytes`, {
          executed: false,
        }),
      );
      return nothing;
    }
    this.highest = id;
    this.control.earn();
    if (call.kind === 'event' && call.ack === 'none') {
      this.sendEncoded(frame);
      call.onComplete(undefined);
      return nothing;
    }
    const input = call.input === undefined ? undefined : this.inputOf(id, call);
    const live: LiveCall = { id, call, openedBy: 0, credit: undefined, input };
    this.live.add(live);
    this.sendEncoded(frame);
    live.openedBy = this.frames.framesSent;
    if (input !== undefined) call.input?.(input);
    return () => {
      if (this.endCall(id) === undefined) return;
      this.sayCancelled(id, live);
      this.roomAgain();
    };
  }

  ping(): void {
    this.pings.ask();
  }

  /** Asks the server for a sign of life, for whoever measures how long it takes. @returns what takes it back */
  measure(observer: PingObserver): Cancel {
    return this.pings.measure(observer);
  }

  /** Opens no further call, and closes when those that are open have ended. */
  drain(): void {
    if (this.leaving) {
      this.settle();
      return;
    }
    this.leave(false);
    this.sayGoingAway('CANCELLED', 'the client is closing');
    this.settle();
  }

  /** Closes at once; calls fail with `error`. */
  destroy(error: XtcpError): void {
    this.lost(error);
    this.state = 'closed';
    this.frames.destroy();
  }

  override onDrain(): void {
    this.congested = false;
    if (this.hasRoom) this.listener.onRoom();
  }

  /** A client opens no call while its writes are stuck, but goes on reading: else both sides could wait for ever. */
  override sendEncoded(frame: EncodedFrame): boolean {
    const keepsUp = super.sendEncoded(frame);
    if (!keepsUp) this.congested = true;
    return keepsUp;
  }

  protected override takeCallFrame(head: Head, frame: Frame): void {
    switch (head.kind) {
      case Kind.Answer:
      case Kind.Item:
        this.takeValue(head, frame);
        return;
      case Kind.Complete:
      case Kind.Error:
        this.takeEnd(head, frame);
        return;
      default:
        this.unknownKind(head.kind);
    }
  }

  protected override grant(id: number, bytes: number): void {
    const live = this.find(id);
    if (live === undefined) return;
    this.control.spend();
    live.input?.credit.grant(bytes);
  }

  protected override takePong(number: number): void {
    this.pings.pong(number);
  }

  protected override peerGoesAway(message: GoingAway): void {
    const { code, reason, last } = message;
    const why = typeof reason === 'string' ? `: ${quoteForMessage(reason)}` : '';
    const text = `the server is going away${why}`;
    this.leave(code !== 'CANCELLED');
    if (Number.isSafeInteger(last) && (last as number) >= 0) {
      for (const { id } of this.live.values()) {
        if (id > (last as number)) this.failCall(id, new XtcpError('UNAVAILABLE', text, { executed: false }));
      }
    }
    if (code === 'PROTOCOL_ERROR' || code === 'RESOURCE_EXHAUSTED') {
      this.lost(new XtcpError(code, text));
    }
    this.settle();
  }

  protected override lost(error: XtcpError): void {
    if (this.live.size > 0) this.listener.onLost(error);
    this.leave(true);
    for (const { id, openedBy } of this.live.values()) {
      // What never left cannot have run.
      this.failCall(id, this.frames.hasBegun(openedBy) ? error : error.notExecuted());
    }
    this.pings.close(error);
  }

  private inputOf(id: number, call: OutgoingCall): ItemSender {
    const packer = call.msgpack ? this.packer : undefined;
    return new ItemSender(id, new OutgoingCredit(this.peer.window), this.limits.maxAheadBytes, packer, {
      send: (frame, payloadBytes) => {
        if (!this.fits(frame)) {
          throw new XtcpError('RESOURCE_EXHAUSTED', "an item is over the server's maxFrame");
        }
        this.control.earn();
        this.sendEncoded(frame);
        call.onSent(payloadBytes);
      },
      onComplete: () => {
        if (this.live.get(id) !== undefined) this.send([`${Kind.Complete}${id}`]);
      },
      onSourceError: () => {
        // What it was is the caller's own affair; the handler learns that there are no more items.
        this.endInput(id, new XtcpError('CANCELLED', "the caller's source of items failed"));
      },
      onUnsendable: (error) => {
        this.endInput(id, error);
      },
      onError: (error) => {
        this.endInput(id, error);
      },
    });
  }

  private endInput(id: number, error: XtcpError): void {
    if (this.live.get(id) !== undefined)
      this.send([`${Kind.Error}${id}`, encodeError(error, this.peer.maxFrame - AROUND_ERROR_BYTES)]);
  }

  private headOf(call: OutgoingCall, id: number): string {
    const { deadline } = call;
    const ms = call.msLeft ?? (deadline === undefined ? Infinity : Math.max(0, deadline - this.side.clock.now()));
    const timeLeft = ms > MAX_DEADLINE_MS ? '' : ` ${Math.ceil(ms)}`;
    const { letter } = call.data;
    if (call.kind === 'event') return `${Kind.Event}${letter}${id} ${ACKS.indexOf(call.ack)}${timeLeft}`;
    return `${call.input === undefined ? Kind.Call : Kind.CallWithInput}${letter}${id}${timeLeft}`;
  }

  private takeValue({ kind, codec, id }: Head, frame: Frame): void {
    if (frame.count < 2) throw missing('a payload');
    const live = this.find(id);
    if (live === undefined) return;
    const { call } = live;
    if (call.kind === 'event') throw new XtcpError('PROTOCOL_ERROR', 'a value came for an event');
    const isLast = kind === Kind.Answer;
    const bytes = frame.length(CARRYING.payload);
    let taken = nothing;
    if (!isLast) {
      const credit = this.creditOf(id, live);
      credit.arrived(bytes);
      taken = credit.taken;
      this.control.earn();
    }
    let value: unknown;
    let metadata: Metadata | undefined;
    try {
      value = decodeValue(frame, CARRYING.payload, codec, this.packer);
      if (isLast) metadata = decodeMetadata(frame, CARRYING.metadata, this.limits);
    } catch (error) {
      this.unreadable(id, live, error as XtcpError, !isLast);
      return;
    }
    if (!isLast) {
      call.onValue(value, taken, bytes);
      return;
    }
    this.endCall(id);
    // An answer of nothing is an end without a value, as it is with Nest's own transports.
    if (codec !== '-') call.onValue(value, taken, bytes);
    call.onComplete(metadata);
    this.hasEnded();
  }

  private takeEnd({ kind, id }: Head, frame: Frame): void {
    const isError = kind === Kind.Error;
    if (isError && frame.count < 2) throw missing('an error');
    const live = this.find(id);
    if (live === undefined) return;
    let metadata: Metadata | undefined;
    try {
      metadata = decodeMetadata(frame, isError ? ENDING.errorMetadata : ENDING.metadata, this.limits);
    } catch (error) {
      this.unreadable(id, live, error as XtcpError, false);
      return;
    }
    this.endCall(id);
    if (isError) live.call.onReturned(readError(frame, ENDING.error), metadata);
    else live.call.onComplete(metadata);
    this.hasEnded();
  }

  /** A frame that cannot be read ends its call, and harms no other. */
  private unreadable(id: number, live: LiveCall, error: XtcpError, goesOn: boolean): void {
    if (error.code === 'PROTOCOL_ERROR') throw error;
    this.endCall(id);
    if (goesOn) this.sayCancelled(id, live);
    live.call.onError(new XtcpError('INTERNAL', `the answer cannot be read: ${error.message}`));
    this.hasEnded();
  }

  private creditOf(id: number, live: LiveCall): IncomingCredit {
    live.credit ??= new IncomingCredit(this.side.hello.window, (bytes) => {
      if (this.live.get(id) === live) this.send([`${Kind.Credit}${id} ${bytes}`]);
    });
    return live.credit;
  }

  private sayCancelled(id: number, live: LiveCall): void {
    this.send([`${Kind.Cancel}${id}`]);
    // Items that the server has sent, or sends before it hears of this, are skipped.
    this.control.allow(this.creditOf(id, live).itemsUnderWay);
  }

  private hasEnded(): void {
    this.served = true;
    this.roomAgain();
  }

  private find(id: number): LiveCall | undefined {
    const live = this.live.get(id);
    if (live === undefined) this.skipLate(id);
    return live;
  }

  /** Takes a call off the list; its input stops. */
  private endCall(id: number): LiveCall | undefined {
    const live = this.live.remove(id);
    live?.input?.stop();
    return live;
  }

  private failCall(id: number, error: XtcpError): void {
    this.endCall(id)?.call.onReturned(error);
  }

  private leave(isWanted: boolean): void {
    if (this.leaving) return;
    this.leaving = true;
    this.listener.onLeaving(isWanted);
  }

  private roomAgain(): void {
    this.settle();
    if (this.hasRoom) this.listener.onRoom();
  }

  private settle(): void {
    if (!this.leaving || this.live.size > 0) return;
    this.end();
    this.pings.close(new XtcpError('UNAVAILABLE', 'the connection is being closed', { executed: false }));
  }
}
