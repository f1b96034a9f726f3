import type { Expiring } from '../clock/deadlines.js';
import { XtcpError } from '../errors/xtcp-error.js';
import { encodeValue, MSGPACK_LETTER, type Packer } from '../wire/codec.js';
import { byteLength, encodeValueFrame, encodeFrame, type EncodedFrame } from '../wire/encoder.js';
import { AROUND_ERROR_BYTES, encodeError } from '../wire/error-field.js';
import { Kind } from '../wire/head.js';
import {
  encodeMetadata,
  NO_METADATA,
  type EncodedMetadata,
  type Metadata,
  type ReceivedMetadata,
} from '../wire/metadata.js';
import { OutgoingCredit, type IncomingCredit } from './credit.js';
import type { Terms } from './hello.js';
import type { Inbox } from './inbox.js';
import { ItemSender } from './item-sender.js';
import type { SessionLimits } from './session.js';

/** When an event is acknowledged: never, when it is handed to its handlers, when all of them have ended. */
export const Ack = { None: 0, Received: 1, Handled: 2 } as const;

/** The server's session, as {@link ServedCall} uses it. */
export interface ServedCallWire {
  sendEncoded(frame: EncodedFrame): boolean;
  fits(frame: EncodedFrame): boolean;
  /** The caller waits no more. */
  ended(call: ServedCall): void;
  /** Nothing of the call runs any more. */
  left(call: ServedCall): void;
  itemSent(): void;
  readonly packer: Packer | undefined;
  readonly peer: Terms;
  readonly limits: SessionLimits;
}

/** Turns an error of the items' source, or of what it gave, into one for the caller. */
export interface ErrorTeller {
  toError(error: unknown, origin: 'iterator' | 'unfiltered'): XtcpError;
}

/** What watches a call. */
export interface ServedCallWatcher {
  sent(bytes: number): void;
  received(bytes: number): void;
  /** Its caller has the end, or waits no more. */
  ended(error: XtcpError | undefined): void;
}

/** Stops what runs for a call. */
export interface CallStopper {
  stop(reason: XtcpError): void;
}

const TOLD_AS_IT_IS: ErrorTeller = { toError: (error) => error as XtcpError };

/** What opened a call. A class, since V8 takes what a literal makes for each call for something that lasts. */
export class OpenedCall {
  pattern = '';
  data: unknown;
  /** Bytes of its payload. */
  bytes = 0;
  receivedMetadata: ReceivedMetadata | undefined;

  /**
   * @param timeoutMs milliseconds that the caller had left when its frame arrived; undefined for any time
   * @param deadline the moment of the clock at which they are over
   */
  constructor(
    readonly id: number,
    readonly kind: 'call' | 'event',
    readonly ack: number,
    readonly codec: string,
    readonly timeoutMs: number | undefined,
    readonly deadline: number | undefined,
  ) {}

  get metadata(): Metadata | undefined {
    return this.receivedMetadata?.value;
  }
}

/**
 * One call or event that a server session serves. Its two ends are apart: `answer`, `complete` or `fail` end it for the
 * caller, {@link leave} says that nothing of it runs any more, which frees its place.
 */
export class ServedCall implements Expiring {
  /** Gives the metadata for the caller, which is sent with the end. */
  answerMetadata: { getAnswerMetadata(): Metadata | undefined } | undefined;
  /** Told once where nobody waits any more: cancelled, out of time, or the connection is gone. */
  stopper: CallStopper | undefined;
  /** To be set before items are sent. */
  errors = TOLD_AS_IT_IS;
  /** Undefined where nobody watches. */
  watcher: ServedCallWatcher | undefined;
  deadlineSlot = -1;
  /** Whether the caller has ended its input. */
  inputEnded = false;
  private sender: ItemSender | undefined;
  private live = true;
  private running = true;

  constructor(
    readonly opened: OpenedCall,
    /** The input of a call that streams it, in the place of `opened.data`. */
    readonly input: Inbox | undefined,
    readonly inputCredit: IncomingCredit | undefined,
    private readonly wire: ServedCallWire,
  ) {}

  get id(): number {
    return this.opened.id;
  }

  get deadline(): number | undefined {
    return this.opened.deadline;
  }

  /** The items of an answer that is a stream; made when they are first asked for, as most answers are none. */
  get items(): ItemSender {
    this.sender ??= this.makeSender();
    return this.sender;
  }

  /** Calls `ask` when another item can be sent. */
  whenWanted(ask: () => void): void {
    this.items.credit.whenReady(ask);
  }

  /** Whether an item has been sent, or waits to be. */
  get hasItems(): boolean {
    return this.sender?.hasBegun === true;
  }

  /** Whether the caller still waits. */
  get isLive(): boolean {
    return this.live;
  }

  /** Whether something of it runs, so that it holds a place. */
  get isRunning(): boolean {
    return this.running;
  }

  onDeadline(): void {
    this.abort(new XtcpError('DEADLINE_EXCEEDED', `the caller's ${this.opened.timeoutMs} ms are over`));
  }

  /** The only value, and the end. @throws {XtcpError} INVALID_ARGUMENT where it cannot be encoded */
  answer(value: unknown): void {
    if (!this.live) return;
    if (this.opened.kind === 'event') {
      this.complete();
      return;
    }
    const packer = this.opened.codec === MSGPACK_LETTER ? this.wire.packer : undefined;
    const { letter, payload } = encodeValue(value, packer);
    const metadata = this.encodedMetadata();
    const head = `${Kind.Answer}${letter}${this.opened.id}`;
    const frame = encodeValueFrame(head, undefined, payload, metadata);
    if (!this.wire.fits(frame)) {
      this.fail(tooLarge('the answer'));
      return;
    }
    this.wire.sendEncoded(frame);
    this.watcher?.sent(byteLength(payload));
    this.ended();
  }

  /** The end, without a value. */
  complete(): void {
    if (!this.live) return;
    const metadata = this.encodedMetadata().json;
    if (this.opened.kind === 'call' || this.opened.ack !== Ack.None) {
      this.wire.sendEncoded(encodeFrame([`${Kind.Complete}${this.opened.id}`, ...(metadata === '' ? [] : [metadata])]));
    }
    this.ended();
  }

  /** The end, with an error. */
  fail(error: XtcpError): void {
    if (!this.live) return;
    const metadata = this.encodedMetadata().json;
    if (this.opened.kind === 'call' || this.opened.ack !== Ack.None) {
      const field = encodeError(error, this.wire.peer.maxFrame - AROUND_ERROR_BYTES - byteLength(metadata));
      this.wire.sendEncoded(
        encodeFrame([`${Kind.Error}${this.opened.id}`, field, ...(metadata === '' ? [] : [metadata])]),
      );
    }
    this.ended(error);
  }

  /** The end behind the items, if there are any. */
  completeItems(): void {
    if (this.sender === undefined) this.complete();
    else this.sender.complete();
  }

  /** The end behind the items, if there are any, with an error. */
  failItems(error: XtcpError): void {
    if (this.sender === undefined) this.abort(error);
    else this.sender.fail(error);
  }

  /** The end, with an error that is not the handler's: stops what runs for it, too. */
  abort(error: XtcpError): void {
    this.input?.fail(error);
    this.fail(error);
    this.cancel(error);
  }

  /** An event has been handed to its handlers. */
  received(): void {
    if (this.opened.kind === 'event' && this.opened.ack !== Ack.Handled) this.complete();
  }

  /** Nothing of it runs any more. */
  leave(): void {
    if (!this.running) return;
    this.running = false;
    this.wire.left(this);
  }

  /** The connection is gone: ends a call; an event goes on, since whoever emitted it need not be there for it. */
  disconnected(reason: XtcpError): void {
    if (this.opened.kind === 'event') this.ended();
    else this.cancel(reason);
  }

  /** Nobody waits any more: stops what runs for it. */
  cancel(reason: XtcpError): void {
    this.input?.fail(reason);
    this.ended(reason);
    this.sender?.stop();
    const { stopper } = this;
    this.stopper = undefined;
    stopper?.stop(reason);
  }

  /** What cannot be sent as metadata is left out: the answer matters more. */
  private encodedMetadata(): EncodedMetadata {
    if (this.answerMetadata === undefined) return NO_METADATA;
    try {
      return encodeMetadata(this.answerMetadata.getAnswerMetadata(), this.wire.limits);
    } catch {
      return NO_METADATA;
    }
  }

  private makeSender(): ItemSender {
    const { peer, limits, packer } = this.wire;
    const credit = new OutgoingCredit(peer.window);
    const itemPacker = this.opened.codec === MSGPACK_LETTER ? packer : undefined;
    const sender = new ItemSender(this.opened.id, credit, limits.maxAheadBytes, itemPacker, {
      send: (frame, payloadBytes) => {
        this.sendItem(frame, payloadBytes);
      },
      onComplete: () => {
        this.complete();
      },
      onSourceError: (error) => {
        this.fail(this.errors.toError(error, 'iterator'));
      },
      onUnsendable: (error) => {
        this.abort(this.errors.toError(error, 'unfiltered'));
      },
      onError: (error) => {
        // What produces the items may still be at it.
        this.abort(error);
      },
    });
    if (!this.live) sender.stop();
    return sender;
  }

  private sendItem(frame: EncodedFrame, payloadBytes: number): void {
    if (!this.wire.fits(frame)) throw tooLarge('an item');
    if (!this.live) return;
    this.wire.itemSent();
    this.wire.sendEncoded(frame);
    this.watcher?.sent(payloadBytes);
  }

  private ended(error?: XtcpError): void {
    if (!this.live) return;
    this.live = false;
    this.watcher?.ended(error);
    // The caller sends no more of it, and whoever still reads it must not wait for ever.
    this.input?.fail(new XtcpError('CANCELLED', 'the call has ended'));
    this.wire.ended(this);
  }
}

function tooLarge(what: string): XtcpError {
  return new XtcpError('RESOURCE_EXHAUSTED', `${what} is over the caller's maxFrame`);
}
