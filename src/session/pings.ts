import { nothing, type Cancel } from '../clock/clock.js';
import type { XtcpError } from '../errors/xtcp-error.js';

/** Who waits for the answer to a ping. One of the two is called, once, unless it is taken back. */
export interface PingObserver {
  onPong(): void;
  onError(error: XtcpError): void;
}

/**
 * The pings of one side, numbered, of which one is on its way at a time (docs/protocol.md, "Keepalive"); those that are
 * asked for meanwhile wait for their turn.
 */
export class Pings {
  private last = 0;
  /** The highest number that was answered; those below it are, too, since answers keep the order. */
  private answered = 0;
  /** In the order in which they were asked for; the number is undefined until the ping is sent. */
  private readonly waiting: { readonly observer: PingObserver; number: number | undefined }[] = [];
  private closedBy: XtcpError | undefined;

  /** @param send puts a ping with that number on the wire */
  constructor(private readonly send: (number: number) => void) {}

  /** Sends one that nobody waits for, whether or not another is on its way: something has come behind that one. */
  ask(): void {
    this.send(++this.last);
  }

  /** Sends one as soon as none is on its way. @returns what to call when nobody waits for it any more */
  measure(observer: PingObserver): Cancel {
    if (this.closedBy !== undefined) {
      observer.onError(this.closedBy);
      return nothing;
    }
    const entry = { observer, number: undefined };
    this.waiting.push(entry);
    this.sendNext();
    return () => {
      const index = this.waiting.indexOf(entry);
      if (index >= 0) this.waiting.splice(index, 1);
    };
  }

  /** An answer has come; one that nobody asked for is skipped. */
  pong(number: number): void {
    if (number <= this.answered || number > this.last) return;
    this.answered = number;
    const [first] = this.waiting;
    if (first?.number !== undefined && first.number <= number) {
      this.waiting.shift();
      first.observer.onPong();
    }
    this.sendNext();
  }

  /** No answer comes any more. */
  close(error: XtcpError): void {
    this.closedBy ??= error;
    for (const { observer } of this.waiting.splice(0)) observer.onError(this.closedBy);
  }

  private sendNext(): void {
    const [first] = this.waiting;
    if (first === undefined || this.answered !== this.last) return;
    first.number = ++this.last;
    this.send(first.number);
  }
}
