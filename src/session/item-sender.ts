import type { Cancel } from '../clock/clock.js';
import { XtcpError } from '../errors/xtcp-error.js';
import { encodeValue, type EncodedValue, type Packer } from '../wire/codec.js';
import { byteLength } from '../wire/encoder.js';
import { costOf, type OutgoingCredit } from './credit.js';

/** Puts items on the wire, and learns of the end, which is one of the last four. */
export interface ItemSenderListener {
  /** Puts an item on the wire. @throws {XtcpError} where it cannot be sent: that ends the stream. */
  send(item: EncodedValue): void;
  /** All items are on the wire. */
  onComplete(): void;
  /** The source failed, with this of its own; the items before it are on the wire. */
  onSourceError(error: unknown): void;
  /** An item has no encoding. */
  onUnsendable(error: XtcpError): void;
  /** An item is too large, too many wait, or what produces them was told to fail with this. */
  onError(error: XtcpError): void;
}

/**
 * Sends the items of one stream as its credit allows. A source that can be asked is asked only while there is credit;
 * one that pushes is held up to a bound, past which the stream fails.
 */
export class ItemSender {
  private readonly waiting: EncodedValue[] = [];
  private onSent: (() => void) | undefined;
  private waitingBytes = 0;
  private begun = false;
  private state: 'open' | 'ending' | 'ended' = 'open';
  private stopSource: Cancel = () => {};

  constructor(
    readonly credit: OutgoingCredit,
    private readonly maxAheadBytes: number,
    private readonly packer: Packer | undefined,
    private readonly listener: ItemSenderListener,
  ) {}

  /** Whether an item has been sent, or waits to be. */
  get hasBegun(): boolean {
    return this.begun;
  }

  /** Takes the items of an iterable, at the pace of the credit. */
  pull(source: AsyncIterable<unknown>): void {
    let iterator: AsyncIterator<unknown>;
    try {
      iterator = source[Symbol.asyncIterator]();
    } catch (error) {
      this.failSource(error);
      return;
    }
    let asking = false;
    this.stopSource = () => {
      // A generator that is in the middle of something ends behind it; nobody waits, and nobody asks how.
      settled(() => iterator.return?.()).catch(() => {});
    };
    const took = (result: IteratorResult<unknown>): void => {
      asking = false;
      if (this.state !== 'open') return;
      if (result.done === true) this.complete();
      else if (this.push(result.value)) this.credit.whenReady(ask);
    };
    const failed = (error: unknown): void => {
      this.failSource(error);
    };
    const ask = (): void => {
      if (asking || this.state !== 'open') return;
      asking = true;
      let next: PromiseLike<IteratorResult<unknown>>;
      try {
        next = iterator.next();
      } catch (error) {
        failed(error);
        return;
      }
      // What gives no promise is asked as one that does; what gives one costs no further.
      Promise.resolve(next).then(took, failed);
    };
    this.credit.whenReady(ask);
  }

  /** For a source that pushes by itself: how to make it stop. */
  onStop(stopSource: Cancel): void {
    this.stopSource = stopSource;
    if (this.state === 'ended') stopSource();
  }

  /** Sends an item, or holds it until there is credit. @returns whether the stream goes on */
  push(value: unknown): boolean {
    if (this.state !== 'open') return false;
    this.begun = true;
    let item: EncodedValue;
    try {
      item = encodeValue(value, this.packer);
    } catch (error) {
      this.stopSource();
      this.end(() => {
        this.listener.onUnsendable(error as XtcpError);
      });
      return false;
    }
    if (this.waiting.length === 0 && this.credit.ready) return this.send(item);
    this.waitingBytes += costOf(byteLength(item.payload));
    if (this.waitingBytes > this.maxAheadBytes) {
      this.stopSource();
      this.waiting.length = 0;
      this.state = 'ended';
      this.listener.onError(
        new XtcpError(
          'RESOURCE_EXHAUSTED',
          `the source pushed more than ${this.maxAheadBytes} bytes ahead of its reader (maxAheadBytes)`,
        ),
      );
      return false;
    }
    this.waiting.push(item);
    this.credit.whenReady(this.sendWaiting);
    return true;
  }

  /** There are no more items. */
  complete(): void {
    this.end(() => {
      this.listener.onComplete();
    });
  }

  /** The source failed by itself. */
  failSource(error: unknown): void {
    this.end(() => {
      this.listener.onSourceError(error);
    });
  }

  /** Ends with an error, behind the items that wait. */
  fail(error: XtcpError): void {
    this.end(() => {
      this.listener.onError(error);
    });
  }

  /** Sends nothing more, and tells the source that nobody reads; the listener is told nothing. */
  stop(): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.waiting.length = 0;
    this.stopSource();
  }

  private end(tell: () => void): void {
    if (this.state !== 'open') return;
    this.state = 'ending';
    const end = (): void => {
      if (this.state === 'ended') return;
      this.state = 'ended';
      tell();
    };
    if (this.waiting.length === 0) end();
    else this.onSent = end;
  }

  private readonly sendWaiting = (): void => {
    while (this.credit.ready) {
      const item = this.waiting.shift();
      if (item === undefined) break;
      this.waitingBytes -= costOf(byteLength(item.payload));
      if (!this.send(item)) return;
    }
    if (this.waiting.length > 0) this.credit.whenReady(this.sendWaiting);
    else this.onSent?.();
  };

  private send(item: EncodedValue): boolean {
    if (this.state === 'ended') return false;
    try {
      this.listener.send(item);
    } catch (error) {
      this.stopSource();
      this.state = 'ended';
      this.waiting.length = 0;
      this.listener.onError(error as XtcpError);
      return false;
    }
    this.credit.spend(byteLength(item.payload));
    return true;
  }
}

/** What `run` promises, where what it throws at once counts too. */
async function settled<T>(run: () => T | PromiseLike<T>): Promise<T> {
  return run();
}
