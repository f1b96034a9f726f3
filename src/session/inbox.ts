/** Places of items taken that are left before the others move up. */
const COMPACT_AFTER = 64;

interface Item {
  readonly value: unknown;
  readonly taken: () => void;
}

/**
 * The items of one incoming stream, for a reader that sets the pace: what it has not taken yet waits here, no more
 * than the window's worth, since the other side's credit comes back only as items are taken. Iterated once.
 */
export class Inbox implements AsyncIterableIterator<unknown> {
  private readonly items: (Item | undefined)[] = [];
  /** Items before this one have been taken. */
  private first = 0;
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
    const item = this.items[this.first];
    if (item !== undefined) {
      this.items[this.first++] = undefined;
      if (this.first === this.items.length) this.clear();
      else if (this.first >= COMPACT_AFTER && this.first * 2 >= this.items.length) this.compact();
      item.taken();
      return Promise.resolve({ done: false, value: item.value });
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
    this.clear();
    this.complete();
    // An error that was not told yet is nobody's any more.
    this.end = {};
    if (early) this.onReturn();
    return Promise.resolve({ done: true, value: undefined });
  }

  private compact(): void {
    this.items.splice(0, this.first);
    this.first = 0;
  }

  private clear(): void {
    this.items.length = 0;
    this.first = 0;
  }

  /**
   * An item has come.
   * @param taken called when the reader takes it
   */
  push(value: unknown, taken: () => void): void {
    if (this.end !== undefined) return;
    const reader = this.readers.shift();
    if (reader === undefined) {
      this.items.push({ value, taken });
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
