import { XtcpError } from '../errors/xtcp-error.js';
import { Fifo } from './fifo.js';

/** What an item costs beside its payload, in bytes of credit (docs/protocol.md, "Credit"). */
const ITEM_OVERHEAD = 32;

export function costOf(payloadBytes: number): number {
  return payloadBytes + ITEM_OVERHEAD;
}

/** The credit that this side has for the items of one stream that it sends. */
export class OutgoingCredit {
  /** Those that wait for credit, in order. */
  private readonly waiting = new Set<() => void>();

  constructor(private left: number) {}

  /** Whether an item may be sent now; one may overdraw. */
  get ready(): boolean {
    return this.left > 0;
  }

  spend(payloadBytes: number): void {
    this.left -= costOf(payloadBytes);
  }

  /** @throws {XtcpError} PROTOCOL_ERROR where it grows beyond all bounds. */
  grant(bytes: number): void {
    if (this.left + bytes > Number.MAX_SAFE_INTEGER) {
      throw new XtcpError('PROTOCOL_ERROR', 'the credit of a stream grew beyond 2^53-1');
    }
    this.left += bytes;
    for (const run of this.waiting) {
      if (!this.ready) return;
      this.waiting.delete(run);
      run();
    }
  }

  /** Calls `run` once there is credit: now, or with the grant that brings it. */
  whenReady(run: () => void): void {
    if (this.ready) run();
    else this.waiting.add(run);
  }
}

/** The credit that the other side has for the items of one stream that it sends. */
export class IncomingCredit {
  private left: number;
  /** What the items cost that the consumer has not taken yet, in the order of their arrival. */
  private readonly costs = new Fifo<number>();
  private takenBytes = 0;

  /** @param give sends credit to the other side */
  constructor(
    private readonly window: number,
    private readonly give: (bytes: number) => void,
  ) {
    this.left = window;
  }

  /** The most items that may be on their way. */
  get itemsUnderWay(): number {
    return this.left > 0 ? Math.floor(this.left / ITEM_OVERHEAD) + 1 : 0;
  }

  /** An item has come. @throws {XtcpError} PROTOCOL_ERROR where it came without credit. */
  arrived(payloadBytes: number): void {
    if (this.left <= 0) throw new XtcpError('PROTOCOL_ERROR', 'an item came without credit');
    const cost = costOf(payloadBytes);
    this.left -= cost;
    this.costs.push(cost);
  }

  /**
   * The consumer has taken an item, the oldest of those that it had not. Its credit goes back with that of others, once
   * half a window has gathered. One function for all items of the stream, which knows their sizes by their order.
   */
  readonly taken = (): void => {
    this.takenBytes += this.costs.shift() ?? 0;
    if (this.takenBytes * 2 < this.window) return;
    this.left += this.takenBytes;
    this.give(this.takenBytes);
    this.takenBytes = 0;
  };
}
