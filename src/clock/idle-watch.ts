import type { Deadlines, Expiring } from './deadlines.js';

/** Whose idleness is watched. */
export interface Idling {
  readonly limits: {
    /** Milliseconds; 0 for never. */
    readonly idleTimeoutMs: number;
  };
  readonly deadlines: Deadlines;
  /** Whether something goes on now. */
  readonly isBusy: boolean;
  /** Nothing has gone on for so long; said again each time that it has not once more. */
  onIdle(): void;
}

/** Notices that nothing has been going on for a while, without a timer of its own. */
export class IdleWatch implements Expiring {
  deadlineSlot = -1;
  /** A whole number, since V8 has others in memory of their own; rounded up. */
  private idleSince: number;

  constructor(private readonly owner: Idling) {
    this.idleSince = this.now();
    owner.deadlines.add(this);
  }

  get deadline(): number | undefined {
    const { idleTimeoutMs } = this.owner.limits;
    return idleTimeoutMs === 0 ? undefined : this.idleSince + idleTimeoutMs;
  }

  /** To be told when what went on has ended. */
  touch(): void {
    this.idleSince = this.now();
  }

  stop(): void {
    this.owner.deadlines.remove(this);
  }

  onDeadline(): void {
    this.touch();
    this.owner.deadlines.add(this);
    if (!this.owner.isBusy) this.owner.onIdle();
  }

  private now(): number {
    return Math.ceil(this.owner.deadlines.clock.now());
  }
}
