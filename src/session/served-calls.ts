import type { Deadlines } from '../clock/deadlines.js';
import { CallTable } from './call-table.js';
import type { ServedCall } from './served-call.js';

/** The calls that a server serves on one connection: those whose caller waits, and those that run; mostly both. */
export class ServedCalls {
  private readonly table = new CallTable<ServedCall>();
  private waiting = 0;
  private places = 0;

  /** @param deadlines for the calls of many connections together */
  constructor(private readonly deadlines: Deadlines) {}

  /** How many callers wait. */
  get waitedFor(): number {
    return this.waiting;
  }

  /** How many run, whether or not anybody waits for them. */
  get running(): number {
    return this.places;
  }

  /** Whether there is none of either. */
  get isEmpty(): boolean {
    return this.waiting === 0 && this.places === 0;
  }

  get(id: number): ServedCall | undefined {
    return this.table.get(id);
  }

  /** All there are now, in the order of their ids. */
  values(): ServedCall[] {
    return this.table.values();
  }

  add(call: ServedCall): void {
    this.table.add(call);
    this.waiting++;
    this.places++;
    this.deadlines.add(call);
  }

  /** The caller waits no more. */
  ended(call: ServedCall): void {
    this.waiting--;
    this.deadlines.remove(call);
    if (!call.isRunning) this.table.remove(call.id);
  }

  /** Nothing of it runs any more. */
  left(call: ServedCall): void {
    this.places--;
    if (!call.isLive) this.table.remove(call.id);
  }
}
