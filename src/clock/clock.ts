/** Takes back what was asked for: stops a timer, ends a call. Calling it again does nothing. */
export type Cancel = () => void;

/** Time, as far as this project needs it; tests hand in one that they move by hand. */
export interface Clock {
  /** Milliseconds from some fixed moment; never goes back. */
  now(): number;
  /**
   * Runs `run` once, `ms` milliseconds from now; with 0 never, which is what 0 means in every option.
   * @param keepsAlive whether the process waits for it where nothing else is going on
   */
  after(ms: number, run: () => void, keepsAlive?: boolean): Cancel;
}

/** For where nothing is to be taken back. */
export const nothing: Cancel = () => {};

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, run, keepsAlive = true) => {
    if (ms === 0) return nothing;
    const timer = setTimeout(run, ms);
    if (!keepsAlive) timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
};
