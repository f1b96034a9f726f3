import type { Clock } from '../clock/clock.js';

/** Milliseconds for which events that were lost are counted before the next line in the log. */
const QUIET_MS = 10_000;

/** Tells the log of events that failed while nobody watched: the first at once, then how many there were. */
export class LostEvents {
  private count = 0;
  private loggedAt = -Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly logger: { error(message: string): void },
  ) {}

  lost(error: unknown): void {
    this.count++;
    const now = this.clock.now();
    if (now - this.loggedAt < QUIET_MS) return;
    const events = this.count === 1 ? 'An event was lost' : `${this.count} events were lost, the latest`;
    this.logger.error(`${events}: ${error instanceof Error ? error.message : 'the handler failed'}`);
    this.count = 0;
    this.loggedAt = now;
  }
}
