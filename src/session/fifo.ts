/** Places of what was taken that are left before the others move up. */
const COMPACT_AFTER = 64;

/** A queue, each end of which costs the same however many wait in it; an array's own `shift` moves all of them up. */
export class Fifo<T> {
  private readonly places: (T | undefined)[] = [];
  /** Those before this one have been taken. */
  private first = 0;

  get length(): number {
    return this.places.length - this.first;
  }

  push(entry: T): void {
    this.places.push(entry);
  }

  /** @returns the oldest, which is taken out; undefined where there is none */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    // The only one is taken out without giving up the memory that the next one needs, as `clear` does.
    if (this.places.length === 1) return this.places.pop();
    const entry = this.places[this.first];
    this.places[this.first++] = undefined;
    if (this.first === this.places.length) this.clear();
    else if (this.first >= COMPACT_AFTER && this.first * 2 >= this.places.length) this.compact();
    return entry;
  }

  clear(): void {
    this.places.length = 0;
    this.first = 0;
  }

  private compact(): void {
    this.places.splice(0, this.first);
    this.first = 0;
  }
}
