import type { Clock } from '../clock/clock.js';

/** Milliseconds for which an idle connection must stay open behind its first answer before it is trusted. */
const OBSERVE_MS = 1000;
/** Milliseconds for which a server that was seen to close behind its answer is taken to do so always. */
const REMEMBER_MS = 60_000;

/** What is known of one connection when it is asked whether it may carry another call. */
export interface Carrier {
  /** Answers that came on it. */
  readonly answers: number;
  /** When the latest of them came, in the clock's milliseconds. */
  readonly answeredAt: number;
}

/**
 * Whether connections to one server may be used again. An xtcp 0.2 server closes behind each answer, and its end of
 * the connection may arrive after the answer does: a request sent in between would be lost, and cannot be sent
 * again, since nobody knows whether it ran. So a connection carries a second call only once the server is known to
 * keep connections open: one has carried two answers already, or has stayed open for a while behind its first.
 */
export class Reuse {
  private keepsOpen: boolean;
  private closesUntil = -Infinity;

  /** @param assumed whether to start out from a server that keeps connections open */
  constructor(
    private readonly assumed: boolean,
    private readonly clock: Clock,
  ) {
    this.keepsOpen = assumed;
  }

  /** Whether the server was lately seen to close behind an answer. */
  get closesBehindAnswers(): boolean {
    return this.clock.now() < this.closesUntil;
  }

  /** Whether several requests may be on one connection at once. */
  get mayPipeline(): boolean {
    return this.keepsOpen && !this.closesBehindAnswers;
  }

  /** Whether a connection on which nothing is under way may carry a call. */
  mayCarry(connection: Carrier): boolean {
    if (connection.answers === 0) return true;
    if (this.closesBehindAnswers) return false;
    return this.keepsOpen || this.clock.now() - connection.answeredAt >= OBSERVE_MS;
  }

  /** To be told of every answer. */
  answered(connection: Carrier): void {
    if (connection.answers >= 2) this.keepsOpen = true;
  }

  /** To be told of every connection that the server closed. */
  closedByServer(connection: Carrier): void {
    if (connection.answers !== 1) return;
    this.keepsOpen = this.assumed;
    this.closesUntil = this.clock.now() + REMEMBER_MS;
  }
}
