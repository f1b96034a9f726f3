/** Runs steps that may take time one behind the other; those that take none run at once where nothing is before them. */
export class InOrder {
  private last: Promise<void> | undefined;

  /** Hands what `make` gives, now or later, to `use`, and what it throws to `fail`. */
  run<T>(make: () => T | PromiseLike<T>, use: (made: T) => void, fail: (error: unknown) => void): void {
    if (this.last === undefined) {
      let made: T | PromiseLike<T>;
      try {
        made = make();
      } catch (error) {
        fail(error);
        return;
      }
      if (!isPromiseLike(made)) {
        use(made);
        return;
      }
      this.follow(Promise.resolve(made).then(use, fail));
    } else {
      this.follow(this.last.then(make).then(use, fail));
    }
  }

  private follow(step: Promise<void>): void {
    this.last = step;
    void step.then(() => {
      if (this.last === step) this.last = undefined;
    });
  }
}

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value;
}
