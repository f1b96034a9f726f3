/** Where the items of a stream come from, one behind the other as they are asked for. */
export interface ItemSource {
  /**
   * What asks for the next item, which comes to one of the two functions; not to be called again before it has come.
   * Measured beside a promise for each item that is asked for, which an async iterator would be: an eighth of the
   * server's time for a stream from a generator.
   */
  reader(took: (result: IteratorResult<unknown>) => void, failed: (error: unknown) => void): () => void;
  /** Nobody asks any more. */
  stop(): void;
}

/** An async iterable as a source. */
export class IteratedSource implements ItemSource {
  private readonly iterator: AsyncIterator<unknown>;

  /**
   * @param within runs each step of the iterator
   * @throws what the iterable throws when it is iterated
   */
  constructor(
    iterable: AsyncIterable<unknown>,
    private readonly within: <T>(run: () => T) => T = (run) => run(),
  ) {
    this.iterator = within(() => iterable[Symbol.asyncIterator]());
  }

  reader(took: (result: IteratorResult<unknown>) => void, failed: (error: unknown) => void): () => void {
    const { within } = this;
    const step = (): PromiseLike<IteratorResult<unknown>> => this.iterator.next();
    return () => {
      let next: PromiseLike<IteratorResult<unknown>>;
      try {
        next = within(step);
      } catch (error) {
        failed(error);
        return;
      }
      // What gives no promise is asked as one that does; what gives one costs no further.
      Promise.resolve(next).then(took, failed);
    };
  }

  /** A generator that is in the middle of something ends behind it. */
  async return(): Promise<void> {
    await this.within(() => this.iterator.return?.());
  }

  stop(): void {
    // Nobody waits, and nobody asks how it ends.
    this.return().catch(() => {});
  }
}
