import type { Clock } from '../clock/clock.js';
import { escapeControls } from '../errors/xtcp-error.js';

/** Milliseconds for which lines about the same thing are counted instead of written again. */
const QUIET_MS = 10_000;
/** Things about which lines are counted apart, and lines written within {@link QUIET_MS} about all of them. */
const MAX_SUBJECTS = 100;

interface Subject {
  readonly writtenAt: number;
  /** Lines held back since. */
  count: number;
}

/**
 * Lines for the log of which somebody else decides how many there are: the first about a subject is written at once,
 * those that follow are counted, and the next one written says how many there were. Whatever comes, the log grows by
 * no more than {@link MAX_SUBJECTS} lines in {@link QUIET_MS}. Control characters are escaped.
 */
export class RepeatedLines {
  /** By subject, the one written longest ago first. */
  private readonly subjects = new Map<string, Subject>();
  /** Lines about subjects beyond those that are counted apart. */
  private others = 0;

  constructor(
    private readonly clock: Clock,
    private readonly write: (line: string) => void,
  ) {}

  /** @param subject what the line is about: an address, a kind of event */
  tell(subject: string, line: string): void {
    const now = this.clock.now();
    const known = this.subjects.get(subject);
    if (known !== undefined && now - known.writtenAt < QUIET_MS) {
      known.count++;
      return;
    }
    this.forgetQuiet(now, subject);
    if (this.subjects.size >= MAX_SUBJECTS) {
      this.others++;
      return;
    }
    this.subjects.set(subject, { writtenAt: now, count: 0 });
    const held = known?.count ?? 0;
    this.write(escapeControls(held === 0 ? line : `${line} (and ${held} more like it)`));
  }

  /** Says what was counted and not told yet; for the end. */
  flush(): void {
    this.forgetQuiet(Infinity, undefined);
  }

  /** Lets go of subjects that were quiet; what was counted about them is told now. */
  private forgetQuiet(now: number, spoken: string | undefined): void {
    for (const [subject, { writtenAt, count }] of this.subjects) {
      if (now - writtenAt < QUIET_MS) break;
      this.subjects.delete(subject);
      if (count > 0 && subject !== spoken) this.tellHeld(count, subject);
    }
    if (this.others > 0 && this.subjects.size < MAX_SUBJECTS) {
      this.tellHeld(this.others, 'others');
      this.others = 0;
    }
  }

  private tellHeld(count: number, subject: string): void {
    this.write(escapeControls(`${count} more lines about ${subject} were not written`));
  }
}
