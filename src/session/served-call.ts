import type { Cancel, Clock } from '../clock/clock.js';
import { XtcpError } from '../errors/xtcp-error.js';
import { encodeValue, MSGPACK_LETTER, type EncodedValue, type Packer } from '../wire/codec.js';
import { byteLength, encodeFrame, type EncodedFrame } from '../wire/encoder.js';
import { encodeError } from '../wire/error-field.js';
import { Kind } from '../wire/head.js';
import { encodeMetadata, type Metadata, type MetadataLimits } from '../wire/metadata.js';
import type { IncomingCredit, OutgoingCredit } from './credit.js';
import type { Inbox } from './inbox.js';
import { ItemSender } from './item-sender.js';

/** When an event is acknowledged: never, when it is handed to its handlers, when all of them have ended. */
export const Ack = { None: 0, Received: 1, Handled: 2 } as const;

/** The server's session, as {@link ServedCall} uses it. */
export interface ServedCallWire {
  send(frame: EncodedFrame): boolean;
  fits(frame: EncodedFrame): boolean;
  ended(call: ServedCall): void;
  left(call: ServedCall): void;
  itemSent(): void;
  packer(): Packer | undefined;
  readonly maxErrorBytes: number;
  readonly metadataLimits: MetadataLimits;
}

/** What opened a call. */
export interface OpenedCall {
  readonly id: number;
  readonly kind: 'call' | 'event';
  readonly ack: number;
  readonly pattern: string;
  readonly data: unknown;
  readonly metadata: Metadata | undefined;
  /** Milliseconds that the caller had left when its frame arrived. */
  readonly timeoutMs: number | undefined;
  readonly codec: string;
}

/**
 * One call or event that a server session serves. Its two ends are apart: `answer`, `complete` or `fail` end it for the
 * caller, {@link leave} says that nothing of it runs any more, which frees its place.
 */
export class ServedCall {
  readonly items: ItemSender;
  /** Gives the metadata for the caller, which is sent with the end. */
  answerMetadata: () => Metadata | undefined = () => undefined;
  /** Called once where nobody waits any more: cancelled, out of time, or the connection is gone. */
  onCancel: ((reason: Error) => void) | undefined;
  /** Whether the caller has ended its input. */
  inputEnded = false;
  private live = true;
  private running = true;
  private readonly stopTimer: Cancel;

  constructor(
    readonly opened: OpenedCall,
    /** The input of a call that streams it, in the place of `opened.data`. */
    readonly input: Inbox | undefined,
    readonly inputCredit: IncomingCredit | undefined,
    credit: OutgoingCredit,
    maxAheadBytes: number,
    private readonly wire: ServedCallWire,
    clock: Clock,
  ) {
    const packer = opened.codec === MSGPACK_LETTER ? wire.packer() : undefined;
    this.items = new ItemSender(credit, maxAheadBytes, packer, {
      send: (item) => {
        this.sendItem(item);
      },
      onComplete: () => {
        this.complete();
      },
      onSourceError: (error) => {
        this.fail(this.toError(error, 'iterator'));
      },
      onUnsendable: (error) => {
        this.abort(this.toError(error, 'unfiltered'));
      },
      onError: (error) => {
        // What produces the items may still be at it.
        this.abort(error);
      },
    });
    this.stopTimer = clock.after(opened.timeoutMs ?? 0, () => {
      this.abort(new XtcpError('DEADLINE_EXCEEDED', `the caller's ${opened.timeoutMs} ms are over`));
    });
  }

  /**
   * Turns an error of the items' source, or of what it gave, into one for the caller; to be set before items are sent.
   */
  toError: (error: unknown, origin: 'iterator' | 'unfiltered') => XtcpError = (error) => error as XtcpError;

  /** Whether the caller still waits. */
  get isLive(): boolean {
    return this.live;
  }

  /** The only value, and the end. @throws {XtcpError} INVALID_ARGUMENT where it cannot be encoded */
  answer(value: unknown): void {
    if (!this.live) return;
    if (this.opened.kind === 'event') {
      this.complete();
      return;
    }
    const packer = this.opened.codec === MSGPACK_LETTER ? this.wire.packer() : undefined;
    const { letter, payload } = encodeValue(value, packer);
    const metadata = this.metadataField();
    const head = `${Kind.Answer}${letter}${this.opened.id}`;
    const frame = encodeFrame(metadata === '' ? [head, payload] : [head, payload, metadata]);
    if (!this.wire.fits(frame)) {
      this.fail(tooLarge('the answer'));
      return;
    }
    this.wire.send(frame);
    this.ended();
  }

  /** The end, without a value. */
  complete(): void {
    if (!this.live) return;
    const metadata = this.metadataField();
    if (this.opened.kind === 'call' || this.opened.ack !== Ack.None) {
      this.wire.send(encodeFrame([`${Kind.Complete}${this.opened.id}`, ...(metadata === '' ? [] : [metadata])]));
    }
    this.ended();
  }

  /** The end, with an error. */
  fail(error: XtcpError): void {
    if (!this.live) return;
    const metadata = this.metadataField();
    if (this.opened.kind === 'call' || this.opened.ack !== Ack.None) {
      const field = encodeError(error, this.wire.maxErrorBytes - byteLength(metadata));
      this.wire.send(encodeFrame([`${Kind.Error}${this.opened.id}`, field, ...(metadata === '' ? [] : [metadata])]));
    }
    this.ended();
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
    this.stopTimer();
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
    this.ended();
    this.items.stop();
    this.stopHandler(reason);
  }

  private stopHandler(reason: unknown): void {
    const { onCancel } = this;
    this.onCancel = undefined;
    onCancel?.(reason instanceof Error ? reason : new XtcpError('CANCELLED', 'the answer has ended'));
  }

  /** What cannot be sent as metadata is left out: the answer matters more. */
  private metadataField(): string {
    try {
      return encodeMetadata(this.answerMetadata(), this.wire.metadataLimits);
    } catch {
      return '';
    }
  }

  private sendItem({ letter, payload }: EncodedValue): void {
    const frame = encodeFrame([`${Kind.Item}${letter}${this.opened.id}`, payload]);
    if (!this.wire.fits(frame)) throw tooLarge('an item');
    if (!this.live) return;
    this.wire.itemSent();
    this.wire.send(frame);
  }

  private ended(): void {
    if (!this.live) return;
    this.live = false;
    this.stopTimer();
    // The caller sends no more of it, and whoever still reads it must not wait for ever.
    this.input?.fail(new XtcpError('CANCELLED', 'the call has ended'));
    this.wire.ended(this);
  }
}

function tooLarge(what: string): XtcpError {
  return new XtcpError('RESOURCE_EXHAUSTED', `${what} is over the caller's maxFrame`);
}
