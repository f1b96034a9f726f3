import { nothing } from '../clock/clock.js';
import { Fifo } from './fifo.js';

/**
 * The items of one incoming stream, for a reader that sets the pace: what it has not taken yet waits here, no more
 * than the window's worth, since the other side's credit comes back only as items are taken. Iterated once.
 */
export class Inbox implements AsyncIterableIterator<unknown> {
  private readonly items = new Fifo<unknown>();
  private taken: () => void = nothing;
  private readonly readers: {
    resolve: (result: IteratorResult<unknown>) => void;
    reject: (error: unknown) => void;
  }[] = [];
  private end: { readonly error?: unknown } | undefined;

  /** @param onReturn called when the reader leaves before the end */
  constructor(private readonly onReturn: () => void) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<unknown>> {
    if (this.items.length > 0) {
      const value = this.items.shift();
      this.taken();
      return Promise.resolve({ done: false, value });
    }
    if (this.end !== undefined) {
      const { end } = this;
      // An error is told once; behind it the stream is over.
      this.end = {};
      if ('error' in end) return Promise.reject(end.error);
      return Promise.resolve({ done: true, value: undefined });
    }
    return new Promise((resolve, reject) => {
      this.readers.push({ resolve, reject });
    });
  }

  return(): Promise<IteratorResult<unknown>> {
    const early = this.end === undefined;
    this.items.clear();
    this.complete();
    // An error that was not told yet is nobody's any more.
    this.end = {};
    if (early) this.onReturn();
    return Promise.resolve({ done: true, value: undefined });
  }

  /**
   * An item has come.
   * @param taken called when the reader takes it; one function for all items, so that nothing is kept for each
   */
  push(value: unknown, taken: () => void): void {
    if (this.end !== undefined) return;
    const reader = this.readers.shift();
    if (reader === undefined) {
      this.taken = taken;
      this.items.push(value);
      return;
    }
    taken();
    reader.resolve({ done: false, value });
  }

  complete(): void {
    if (this.end !== undefined) return;
    this.end = {};
    for (const { resolve } of this.readers.splice(0)) resolve({ done: true, value: undefined });
  }

  /** The stream ends with an error, behind the items that are here. */
  fail(error: unknown): void {
    if (this.end !== undefined) return;
    const [first, ...others] = this.readers.splice(0);
    this.end = first === undefined ? { error } : {};
    first?.reject(error);
    for (const { resolve } of others) resolve({ done: true, value: undefined });
  }
}
