import type { Deadlines, Expiring } from '../clock/deadlines.js';
import type { FrameStream } from '../wire/frame-stream.js';

export interface KeepAliveLimits {
  /** Milliseconds without a sign of life after which the other side is asked for one; 0 for never. */
  readonly keepAliveIntervalMs: number;
  /** Milliseconds that it then has to give one; 0 for any time. */
  readonly keepAliveTimeoutMs: number;
}

/** Whose other side is watched. */
export interface KeptAlive {
  readonly limits: KeepAliveLimits;
  readonly deadlines: Deadlines;
  /** What it sends and receives. */
  readonly frames: Pick<FrameStream, 'isWriting' | 'livedAt'>;
  ping(): void;
  /** It gave no sign of life behind a ping. */
  onSilence(): void;
}

/**
 * Asks a silent peer for a sign of life (docs/protocol.md, "Keepalive"). Bytes received count as one, and so does
 * progress in writing: while a write waits, a ping would wait behind it, and whether the other side takes anything at
 * all is watched where writes are (writeTimeoutMs). What it keeps of the clock are whole milliseconds, since V8 has other
 * numbers in memory of their own.
 */
export class KeepAlive implements Expiring {
  deadline: number | undefined;
  deadlineSlot = -1;
  /** When a ping went out that was not answered, rounded down: an answer may be as quick. Undefined where none waits. */
  private askedAt: number | undefined;

  constructor(private readonly owner: KeptAlive) {
    const { keepAliveIntervalMs } = owner.limits;
    if (keepAliveIntervalMs > 0) this.wait(owner.frames.livedAt + keepAliveIntervalMs);
  }

  stop(): void {
    this.owner.deadlines.remove(this);
  }

  onDeadline(): void {
    const { keepAliveIntervalMs, keepAliveTimeoutMs } = this.owner.limits;
    const { isWriting, livedAt } = this.owner.frames;
    const now = this.owner.deadlines.clock.now();
    if (this.askedAt !== undefined && livedAt <= this.askedAt && !isWriting && keepAliveTimeoutMs > 0) {
      this.owner.onSilence();
      return;
    }
    this.askedAt = undefined;
    const silence = isWriting ? 0 : now - livedAt;
    if (silence < keepAliveIntervalMs) {
      this.wait(now + keepAliveIntervalMs - silence);
      return;
    }
    this.askedAt = Math.floor(now);
    this.wait(now + (keepAliveTimeoutMs || keepAliveIntervalMs));
    this.owner.ping();
  }

  private wait(until: number): void {
    this.deadline = Math.ceil(until);
    this.owner.deadlines.add(this);
  }
}
