import type { Cancel, Clock } from './clock.js';

/** Notices that nothing has been going on for a while, with one timer however much goes on. */
export class IdleWatch {
  private idleSince: number;
  private stopTimer: Cancel = () => {};

  /**
   * @param timeoutMs milliseconds; 0 for never
   * @param isBusy whether something goes on now
   * @param onIdle called when nothing has for `timeoutMs`, and again each time they have passed once more
   */
  constructor(
    private readonly clock: Clock,
    private readonly timeoutMs: number,
    private readonly isBusy: () => boolean,
    private readonly onIdle: () => void,
  ) {
    this.idleSince = clock.now();
    this.wait(timeoutMs);
  }

  /** To be told when what went on has ended. */
  touch(): void {
    this.idleSince = this.clock.now();
  }

  stop(): void {
    this.stopTimer();
  }

  private wait(ms: number): void {
    this.stopTimer = this.clock.after(ms, () => {
      const idleFor = this.isBusy() ? 0 : this.clock.now() - this.idleSince;
      if (idleFor < this.timeoutMs) {
        this.wait(this.timeoutMs - idleFor);
        return;
      }
      this.touch();
      this.wait(this.timeoutMs);
      this.onIdle();
    });
  }
}
