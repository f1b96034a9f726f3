import type { Deadlines, Expiring } from './deadlines.js';

/** Whose idleness is watched. */
export interface Idling {
  readonly limits: {
    /** Milliseconds; 0 for never. */
    readonly idleTimeoutMs: number;
  };
  /** Whether something goes on now. */
  readonly isBusy: boolean;
  /** Nothing has gone on for so long; said again each time that it has not once more. */
  onIdle(): void;
}

/**
 * Notices that nothing has been going on for a while, without a timer of its own. What it keeps of the clock are whole
 * milliseconds, rounded up, since V8 has other numbers in memory of their own.
 */
export class IdleWatch implements Expiring {
  deadline: number | undefined;
  deadlineSlot = -1;
  private idleSince: number;

  constructor(
    private readonly owner: Idling,
    private readonly deadlines: Deadlines,
  ) {
    this.idleSince = this.now();
    this.wait(this.idleSince + owner.limits.idleTimeoutMs);
  }

  /** To be told when what went on has ended. */
  touch(): void {
    this.idleSince = this.now();
  }

  stop(): void {
    this.deadlines.remove(this);
  }

  onDeadline(): void {
    const { idleTimeoutMs } = this.owner.limits;
    const now = this.now();
    const idleFor = this.owner.isBusy ? 0 : now - this.idleSince;
    if (idleFor < idleTimeoutMs) {
      this.wait(now + idleTimeoutMs - idleFor);
      return;
    }
    this.idleSince = now;
    this.wait(now + idleTimeoutMs);
    this.owner.onIdle();
  }

  private wait(until: number): void {
    if (this.owner.limits.idleTimeoutMs === 0) return;
    this.deadline = until;
    this.deadlines.add(this);
  }

  private now(): number {
    return Math.ceil(this.deadlines.clock.now());
  }
}
