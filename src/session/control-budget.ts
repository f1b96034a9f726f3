import type { Clock } from '../clock/clock.js';
import { XtcpError } from '../errors/xtcp-error.js';

/** Control frames that come with each call and each item: its credit, its cancel, something that crosses its end. */
const PER_WORK = 2;

/** Whose other side has a budget. */
export interface Controlled {
  readonly limits: {
    /** Frames without call or item that the other side may send in a second, beside those that come with them. */
    readonly maxControlFramesPerSecond: number;
  };
  readonly clock: Clock;
}

/**
 * What the other side may send that costs work and does none: pings, credit, cancels, frames that are skipped. It has
 * so many a second, and two more for each call and each item, in either direction. The clock counts in whole
 * milliseconds, since V8 has other numbers in memory of their own.
 */
export class ControlBudget {
  private left: number;
  private refilledAt: number;

  constructor(private readonly side: Controlled) {
    this.left = side.limits.maxControlFramesPerSecond;
    this.refilledAt = Math.floor(side.clock.now());
  }

  /** A call was opened, or an item went either way. */
  earn(): void {
    this.left += PER_WORK;
  }

  /** So many frames may still come for a call that is over here, since the other side does not know it yet. */
  allow(frames: number): void {
    this.left += frames;
  }

  /** A frame has come that does no work. @throws {XtcpError} RESOURCE_EXHAUSTED where they are too many */
  spend(): void {
    if (--this.left >= 0) return;
    const { maxControlFramesPerSecond } = this.side.limits;
    const now = Math.floor(this.side.clock.now());
    this.left += Math.min(1, (now - this.refilledAt) / 1000) * maxControlFramesPerSecond;
    this.refilledAt = now;
    if (this.left >= 0) return;
    throw new XtcpError(
      'RESOURCE_EXHAUSTED',
      `more than ${maxControlFramesPerSecond} frames a second that carry neither call nor item (maxControlFramesPerSecond)`,
    );
  }
}
