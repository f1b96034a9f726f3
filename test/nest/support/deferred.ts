/** A promise that the test settles. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>;
  resolve(this: void, value: Value): void;
}

export function deferred<Value = void>(): Deferred<Value> {
  let settle!: (value: Value) => void;
  const promise = new Promise<Value>((resolve) => {
    settle = resolve;
  });
  return { promise, resolve: settle };
}

/** Things that happen, in order, and who waits for how many of them. */
export class Happenings<Thing = string> {
  readonly all: Thing[] = [];
  private readonly waiting = new Set<() => void>();

  add(thing: Thing): void {
    this.all.push(thing);
    const resolves = [...this.waiting];
    this.waiting.clear();
    for (const resolve of resolves) resolve();
  }

  /** Waits until there are `count` of them; there may be more. */
  async count(count: number): Promise<readonly Thing[]> {
    return this.until(() => this.all.length >= count);
  }

  /** Waits until `thing` is among them. */
  async including(thing: Thing): Promise<readonly Thing[]> {
    return this.until(() => this.all.includes(thing));
  }

  private async until(holds: () => boolean): Promise<readonly Thing[]> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.waiting.add(resolve);
      });
    }
    return this.all;
  }
}
