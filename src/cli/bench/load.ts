import type { CallObserver } from '../../call/call.js';
import { nothing, type Cancel } from '../../clock/clock.js';
import type { XtcpError } from '../../errors/xtcp-error.js';
import type { Tally } from './tally.js';

/** Makes the one call that is measured, over connection number `place` modulo how many there are. */
export type MakeCall = (observer: CallObserver, place: number) => Cancel;

/** When a run ends: behind a time, or behind so many calls. */
export interface Extent {
  readonly durationMs: number | undefined;
  readonly requests: number | undefined;
}

/** A run of calls. */
export interface Load {
  /** Resolves when the last call of it has ended. */
  run(): Promise<void>;
  /** Makes no further call, and gives up those under way, which do not count then. */
  stop(): void;
}

/** A caller that has one call under way at a time. */
abstract class Caller implements CallObserver {
  private cancel: Cancel = nothing;
  private since = 0;

  constructor(
    private readonly tally: Tally,
    private readonly makeCall: MakeCall,
    private readonly place: number,
  ) {}

  /** @param since from when on its latency counts */
  go(since: number): void {
    this.since = since;
    this.cancel = this.makeCall(this, this.place);
  }

  giveUp(): void {
    this.cancel();
  }

  onValue(_value: unknown, taken: () => void): void {
    taken();
  }

  onComplete(): void {
    const now = performance.now();
    this.tally.success(now - this.since, now);
    this.next(now);
  }

  onError(error: XtcpError): void {
    this.tally.failure(error);
    // A call may fail before it was sent; the next one is to find the stack empty, and the event loop turned.
    setImmediate(() => {
      this.next(performance.now());
    });
  }

  /** Its call has ended. */
  protected abstract next(now: number): void;
}

/** A number of callers, each of which makes its next call when its last has ended. */
export class ClosedLoad implements Load {
  private readonly callers: ClosedCaller[] = [];
  private left: number;
  private end = Infinity;
  private running = 0;
  private onEnd: () => void = () => {};

  constructor(
    tally: Tally,
    makeCall: MakeCall,
    concurrency: number,
    private readonly extent: Extent,
  ) {
    this.left = extent.requests ?? Infinity;
    for (let place = 0; place < concurrency; place++) this.callers.push(new ClosedCaller(tally, makeCall, place, this));
  }

  async run(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.onEnd = resolve;
      const now = performance.now();
      this.end = now + (this.extent.durationMs ?? Infinity);
      this.running = this.callers.length;
      for (const caller of this.callers) this.goOn(caller, now);
    });
  }

  stop(): void {
    this.left = 0;
    for (const caller of this.callers) caller.giveUp();
    this.onEnd();
  }

  goOn(caller: ClosedCaller, now: number): void {
    if (this.left > 0 && now < this.end) {
      this.left--;
      caller.go(now);
    } else if (--this.running === 0) {
      this.onEnd();
    }
  }
}

class ClosedCaller extends Caller {
  constructor(
    tally: Tally,
    makeCall: MakeCall,
    place: number,
    private readonly load: ClosedLoad,
  ) {
    super(tally, makeCall, place);
  }

  protected next(now: number): void {
    this.load.goOn(this, now);
  }
}

/** Milliseconds behind which a call counts as made late; timers are no finer. */
const LATE_MS = 1;
/** Milliseconds before a call is due at which the timer gives over to turning the event loop, which is finer. */
const TURNING_MS = 2;

/**
 * Calls at a rate of its own. A call's latency counts from when it was due, so that a stall shows in all the calls that
 * were due while it lasted, also where they were made late because of it.
 */
export class OpenLoad implements Load {
  private readonly idle: OpenCaller[] = [];
  private readonly callers: OpenCaller[] = [];
  private readonly intervalMs: number;
  private readonly total: number;
  private start = 0;
  private end = Infinity;
  private made = 0;
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;
  private onEnd: () => void = () => {};

  /** @param concurrency the most calls that are under way at once; those due meanwhile are made late */
  constructor(
    private readonly tally: Tally,
    private readonly makeCall: MakeCall,
    private readonly concurrency: number,
    private readonly extent: Extent,
    rate: number,
  ) {
    this.intervalMs = 1000 / rate;
    const { requests, durationMs } = extent;
    this.total = requests ?? Math.max(1, Math.floor((durationMs ?? 0) / this.intervalMs));
  }

  async run(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.onEnd = resolve;
      this.start = performance.now();
      this.end = this.start + (this.extent.durationMs ?? Infinity);
      this.turn();
    });
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    for (const caller of this.callers) caller.giveUp();
    this.onEnd();
  }

  free(caller: OpenCaller): void {
    this.idle.push(caller);
    if (this.isOver && this.idle.length === this.callers.length) this.onEnd();
  }

  private get isOver(): boolean {
    return this.stopped || this.made === this.total;
  }

  private readonly turn = (): void => {
    if (this.stopped) return;
    const now = performance.now();
    let due = this.start + this.made * this.intervalMs;
    while (due <= now && this.made < this.total) {
      const caller = this.idle.pop() ?? this.hire();
      if (caller === undefined) break;
      this.made++;
      if (now - due > LATE_MS) this.tally.sentLate(now - due);
      caller.go(due);
      due = this.start + this.made * this.intervalMs;
    }
    if (now >= this.end && this.made < this.total) {
      this.tally.unsent = this.total - this.made;
      this.made = this.total;
    }
    if (this.isOver) {
      if (this.idle.length === this.callers.length) this.onEnd();
      return;
    }
    const early = due - now - TURNING_MS;
    if (early > 0) this.timer = setTimeout(this.turn, early);
    else setImmediate(this.turn);
  };

  private hire(): OpenCaller | undefined {
    if (this.callers.length >= this.concurrency) return undefined;
    const caller = new OpenCaller(this.tally, this.makeCall, this.callers.length, this);
    this.callers.push(caller);
    return caller;
  }
}

class OpenCaller extends Caller {
  constructor(
    tally: Tally,
    makeCall: MakeCall,
    place: number,
    private readonly load: OpenLoad,
  ) {
    super(tally, makeCall, place);
  }

  protected next(): void {
    this.load.free(this);
  }
}
