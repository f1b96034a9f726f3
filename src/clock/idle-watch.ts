import type { Clock } from './clock.js';
import type { Deadlines, Expiring } from './deadlines.js';

/** Whose idleness is watched. */
export interface Idling {
  /** Whether something goes on now. */
  readonly isBusy: boolean;
  /** Nothing has gone on for so long; said again each time that it has not once more. */
  onIdle(): void;
}

/** Notices that nothing has been going on for a while, without a timer of its own. */
export class IdleWatch implements Expiring {
  deadline: number | undefined;
  deadlineSlot = -1;
  private idleSince: number;

  /** @param timeoutMs milliseconds; 0 for never */
  constructor(
    private readonly owner: Idling,
    private readonly timeoutMs: number,
    private readonly clock: Clock,
    private readonly deadlines: Deadlines,
  ) {
    this.idleSince = clock.now();
    this.wait(this.idleSince + timeoutMs);
  }

  /** To be told when what went on has ended. */
  touch(): void {
    this.idleSince = this.clock.now();
  }

  stop(): void {
    this.deadlines.remove(this);
  }

  onDeadline(): void {
    const now = this.clock.now();
    const idleFor = this.owner.isBusy ? 0 : now - this.idleSince;
    if (idleFor < this.timeoutMs) {
      this.wait(now + this.timeoutMs - idleFor);
      return;
    }
    this.idleSince = now;
    this.wait(now + this.timeoutMs);
    this.owner.onIdle();
  }

  private wait(until: number): void {
    if (this.timeoutMs === 0) return;
    this.deadline = until;
    this.deadlines.add(this);
  }
}
