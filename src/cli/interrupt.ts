const CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** Ctrl-C and SIGTERM: the first asks what runs to end in order, the second ends the program. */
export class Interrupt {
  private readonly controller = new AbortController();
  private code: number | undefined;

  constructor() {
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      process.on(name, () => {
        if (this.code !== undefined) process.exit(CODES[name]);
        this.code = CODES[name];
        this.controller.abort();
      });
    }
  }

  /** Aborted by the first. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** What to exit with; undefined where there was none. */
  get exitCode(): number | undefined {
    return this.code;
  }
}
