import type { Clock } from '../clock/clock.js';

/** Which way bytes go. */
export type Direction = 'toServer' | 'toClient';

/** How a network is just now; what all of its connections look at whenever something is to arrive. */
export class Conditions {
  readonly delayMs: Record<Direction, number> = { toServer: 0, toClient: 0 };
  /** Bytes that may still arrive before every connection is cut; undefined for any number. */
  readonly bytesLeft: Record<Direction, number | undefined> = { toServer: undefined, toClient: undefined };
  isBlackHole = false;
  refuses = false;

  constructor(
    readonly clock: Clock,
    /** The bytes that were left have arrived. */
    readonly onSpent: () => void,
  ) {}

  /** @returns how many of `bytes` may arrive; {@link isSpent} then tells whether they were the last ones */
  spend(direction: Direction, bytes: number): number {
    const left = this.bytesLeft[direction];
    if (left === undefined) return bytes;
    const spent = Math.min(left, bytes);
    this.bytesLeft[direction] = left - spent;
    return spent;
  }

  isSpent(direction: Direction): boolean {
    return this.bytesLeft[direction] === 0;
  }

  restore(): void {
    for (const direction of ['toServer', 'toClient'] as const) {
      this.delayMs[direction] = 0;
      this.bytesLeft[direction] = undefined;
    }
    this.isBlackHole = false;
    this.refuses = false;
  }
}
