import type { Cancel, Clock } from '../../src/clock/clock.js';

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  private time = 0;
  private readonly timers = new Set<{ readonly at: number; readonly run: () => void; readonly keepsAlive: boolean }>();

  /** Timers that have not fired and were not cancelled, and that would keep a process alive. */
  get pending(): number {
    return [...this.timers].filter(({ keepsAlive }) => keepsAlive).length;
  }

  /** All timers that have not fired and were not cancelled. */
  get timersSet(): number {
    return this.timers.size;
  }

  /** All timers that have not fired and were not cancelled. */
  get all(): number {
    return this.timers.size;
  }

  now(): number {
    return this.time;
  }

  after(ms: number, run: () => void, keepsAlive = true): Cancel {
    if (ms === 0) return () => {};
    const timer = { at: this.time + ms, run, keepsAlive };
    this.timers.add(timer);
    return () => {
      this.timers.delete(timer);
    };
  }

  /** Moves on by `ms` milliseconds, firing what falls due, in order. */
  advance(ms: number): void {
    const until = this.time + ms;
    for (;;) {
      const due = [...this.timers].filter(({ at }) => at <= until).toSorted((one, other) => one.at - other.at)[0];
      if (due === undefined) break;
      this.timers.delete(due);
      this.time = due.at;
      due.run();
    }
    this.time = until;
  }
}
