import { AsyncLocalStorage } from 'node:async_hooks';

/** What a call made inside a handler may take over from the one that the handler answers. */
export interface CurrentCall {
  /** Milliseconds left until its deadline; undefined where it has none. */
  readonly deadline: number | undefined;
  getMetadata(): Record<string, string> | undefined;
}

// Not created before a server asks for it: merely having one costs every call on Node 20.
let storage: AsyncLocalStorage<CurrentCall> | undefined;

/** Makes {@link currentCall} work in this process. */
export function keepCurrentCall(): void {
  storage ??= new AsyncLocalStorage();
}

/** Runs `run` such that calls made in it, at once or later, find `call` as the current one. */
export function runWithin<T>(call: CurrentCall, run: () => T): T {
  return storage === undefined ? run() : storage.run(call, run);
}

/** The call whose handler is running; undefined outside of one, and where no server keeps track (`inherit: true`). */
export function currentCall(): CurrentCall | undefined {
  return storage?.getStore();
}
