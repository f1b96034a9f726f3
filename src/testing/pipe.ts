// Not the global one, which fake timers replace: what is not delayed arrives under them, too.
import { setImmediate } from 'node:timers';

import type { Cancel } from '../clock/clock.js';
import type { Conditions, Direction } from './conditions.js';

/** Bytes that are on their way, or were not read yet, before a write has to wait; as much as one piece has at most. */
const CAPACITY_BYTES = 64 * 1024;

/** What arrives, in the order in which it was sent. */
export interface Receiver {
  /** @returns whether it takes more; after false, {@link Pipe.resume} says when it does */
  takeBytes(bytes: Buffer): boolean;
  /** The first thing on each way: that a connection is asked for, or stands. */
  takeOpen(): void;
  takeEnd(): void;
  /** @param code Node's, such as `'ECONNRESET'` */
  takeFailure(code: string): void;
}

type Parcel =
  | { readonly kind: 'open'; readonly at: number }
  | { readonly kind: 'end'; readonly at: number }
  | { readonly kind: 'failure'; readonly at: number; readonly code: string }
  | { readonly kind: 'bytes'; readonly at: number; readonly bytes: Buffer };

/** One way of a connection. Nothing arrives in the turn in which it was sent, as nothing does over a socket. */
export class Pipe {
  private parcels: Parcel[] = [];
  private bytes = 0;
  private wanted = true;
  private stopWaiting: Cancel | undefined;
  private onRoom: (() => void) | undefined;

  constructor(
    private readonly conditions: Conditions,
    private readonly direction: Direction,
    private readonly receiver: Receiver,
  ) {}

  /** @param onTaken is called once: at once where there is room, else when there is */
  sendBytes(bytes: Buffer, onTaken: () => void): void {
    const at = this.arrival();
    for (let start = 0; start < bytes.length; start += CAPACITY_BYTES) {
      this.parcels.push({ kind: 'bytes', at, bytes: bytes.subarray(start, start + CAPACITY_BYTES) });
    }
    this.bytes += bytes.length;
    this.schedule();
    if (this.bytes <= CAPACITY_BYTES) onTaken();
    else this.onRoom = onTaken;
  }

  sendOpen(): void {
    this.send({ kind: 'open', at: this.arrival() });
  }

  sendEnd(): void {
    this.send({ kind: 'end', at: this.arrival() });
  }

  /** What is on its way is overtaken, as a reset does. */
  sendFailure(code: string): void {
    const at = this.arrival();
    this.drop();
    this.send({ kind: 'failure', at, code });
  }

  /** The receiver takes more. */
  resume(): void {
    if (this.wanted) return;
    this.wanted = true;
    this.schedule();
  }

  /** The conditions have changed for the better. */
  goOn(): void {
    this.stopWaiting?.();
    this.stopWaiting = undefined;
    const now = this.conditions.clock.now();
    this.parcels = this.parcels.map((parcel) => ({ ...parcel, at: Math.min(parcel.at, now) }));
    this.schedule();
  }

  /** The sender is gone: what had no room yet never leaves. */
  abandon(): void {
    this.onRoom = undefined;
    while (this.bytes > CAPACITY_BYTES) {
      const last = this.parcels.pop();
      if (last?.kind === 'bytes') this.bytes -= last.bytes.length;
    }
  }

  /** Nothing of what is on its way arrives. */
  drop(): void {
    this.parcels = [];
    this.bytes = 0;
    this.onRoom = undefined;
    this.stopWaiting?.();
    this.stopWaiting = undefined;
  }

  private send(parcel: Parcel): void {
    this.parcels.push(parcel);
    this.schedule();
  }

  private arrival(): number {
    const at = this.conditions.clock.now() + this.conditions.delayMs[this.direction];
    // Behind what was sent before, which may have been given a longer way.
    return Math.max(at, this.parcels.at(-1)?.at ?? at);
  }

  private schedule(): void {
    const [next] = this.parcels;
    if (next === undefined || this.stopWaiting !== undefined || this.conditions.isBlackHole || !this.mayArrive(next)) {
      return;
    }
    const arrive = (): void => {
      this.stopWaiting = undefined;
      // Timers may be faked where the time is not, and real ones fire a little early.
      this.deliver(Math.max(next.at, this.conditions.clock.now()));
    };
    const ms = next.at - this.conditions.clock.now();
    if (ms > 0) {
      this.stopWaiting = this.conditions.clock.after(Math.ceil(ms), arrive);
    } else {
      // Not cleared but told, so that what is dropped and sent anew within a turn still takes a turn.
      let isDue = true;
      this.stopWaiting = () => {
        isDue = false;
      };
      setImmediate(() => {
        if (isDue) arrive();
      });
    }
  }

  /** Failures arrive whether or not the receiver reads. */
  private mayArrive(parcel: Parcel): boolean {
    return this.wanted || parcel.kind !== 'bytes';
  }

  private deliver(now: number): void {
    for (;;) {
      const [next] = this.parcels;
      if (next === undefined || this.conditions.isBlackHole || next.at > now || !this.mayArrive(next)) break;
      this.parcels.shift();
      if (next.kind === 'bytes') this.deliverBytes(next.bytes);
      else if (next.kind === 'open') this.receiver.takeOpen();
      else if (next.kind === 'end') this.receiver.takeEnd();
      else this.receiver.takeFailure(next.code);
    }
    if (this.onRoom !== undefined && this.bytes <= CAPACITY_BYTES) {
      const { onRoom } = this;
      this.onRoom = undefined;
      onRoom();
    }
    this.schedule();
  }

  private deliverBytes(bytes: Buffer): void {
    this.bytes -= bytes.length;
    const allowed = this.conditions.spend(this.direction, bytes.length);
    if (allowed > 0) this.wanted = this.receiver.takeBytes(bytes.subarray(0, allowed));
    if (this.conditions.isSpent(this.direction)) this.conditions.onSpent();
  }
}
