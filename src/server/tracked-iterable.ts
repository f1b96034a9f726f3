import type { Scope } from '../observe/scope.js';
import { IteratedSource, type ItemSource } from '../session/item-source.js';

/** An async iterable that is iterated once, each step within its call's scope, and that tells when it has ended. */
export class TrackedIterable implements AsyncIterableIterator<unknown>, ItemSource {
  private readonly source: IteratedSource;
  private running = 0;
  private over = false;

  constructor(
    iterable: AsyncIterable<unknown>,
    scope: Scope,
    private readonly onEnd: () => void,
  ) {
    this.source = new IteratedSource(iterable, scope);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  reader(took: (result: IteratorResult<unknown>) => void, failed: (error: unknown) => void): () => void {
    const ask = this.source.reader(
      (result) => {
        this.stepped(result.done === true);
        took(result);
      },
      (error) => {
        this.stepped(true);
        failed(error);
      },
    );
    return () => {
      if (this.over) {
        took({ done: true, value: undefined });
        return;
      }
      this.running++;
      ask();
    };
  }

  next(): Promise<IteratorResult<unknown>> {
    return new Promise((resolve, reject) => {
      this.reader(resolve, reject)();
    });
  }

  async return(): Promise<IteratorResult<unknown>> {
    if (!this.over) {
      this.over = true;
      this.running++;
      try {
        await this.source.return();
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

  private stepped(isLast: boolean): void {
    this.running--;
    if (isLast) this.over = true;
    this.settle();
  }

  /** It has ended when it is over and nothing of it runs: a generator may still be busy with its last item. */
  private settle(): void {
    // Behind everything that the end of the iterator sets off in promises: the answer first, then the end.
    if (this.over && this.running === 0) setImmediate(this.onEnd);
  }
}
