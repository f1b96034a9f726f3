import type { Scope } from '../async/scope.js';

/** An async iterable that is iterated once, each step within its call's scope, and that tells when it has ended. */
export class TrackedIterable implements AsyncIterableIterator<unknown> {
  private readonly iterator: AsyncIterator<unknown>;
  private running = 0;
  private over = false;

  constructor(
    source: AsyncIterable<unknown>,
    private readonly scope: Scope,
    private readonly onEnd: () => void,
  ) {
    this.iterator = scope(() => source[Symbol.asyncIterator]());
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<unknown>> {
    if (this.over) return Promise.resolve({ done: true, value: undefined });
    this.running++;
    let next: Promise<IteratorResult<unknown>>;
    try {
      next = Promise.resolve(this.scope(() => this.iterator.next()));
    } catch (error) {
      next = Promise.reject(error);
    }
    // Not an async function: for each item of a stream, that would make two promises more.
    return next.then(this.took, this.failed);
  }

  private readonly took = (result: IteratorResult<unknown>): IteratorResult<unknown> => {
    this.running--;
    if (result.done === true) this.over = true;
    this.settle();
    return result;
  };

  private readonly failed = (error: unknown): never => {
    this.running--;
    this.over = true;
    this.settle();
    throw error;
  };

  async return(): Promise<IteratorResult<unknown>> {
    if (!this.over) {
      this.over = true;
      this.running++;
      try {
        await this.scope(() => this.iterator.return?.());
      } finally {
        this.running--;
        this.settle();
      }
    }
    return { done: true, value: undefined };
  }

  /** As {@link return}, for where nobody waits. */
  stop(): void {
    this.return().catch(() => {});
  }

  /** It has ended when it is over and nothing of it runs: a generator may still be busy with its last item. */
  private settle(): void {
    // Behind everything that the end of the iterator sets off in promises: the answer first, then the end.
    if (this.over && this.running === 0) setImmediate(this.onEnd);
  }
}
