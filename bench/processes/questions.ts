/** What a process answers its parent: by name, each a function of plain values. */
export interface Answers {
  // oxlint-disable-next-line typescript/no-explicit-any -- the parameters differ from one to the other
  readonly [what: string]: (...args: any[]) => unknown;
}

export interface Question {
  readonly id: number;
  readonly what: string;
  readonly args: readonly unknown[];
}

/** What a process says: that it can be asked, or an answer. */
export type Told = 'ready' | Answer;

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** Answers the parent from now on, and ends with it. */
export function answerParent(answers: Answers): void {
  process.on('message', ({ id, what, args }: Question) => {
    Promise.resolve()
      .then(() => answers[what]!(...args))
      .then(
        (value) => process.send?.({ id, value } satisfies Answer),
        (error: unknown) => process.send?.({ id, error: describe(error) } satisfies Answer),
      );
  });
  process.on('disconnect', () => process.exit());
  process.send?.('ready' satisfies Told);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error);
}
