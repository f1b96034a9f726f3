import type { Observable } from 'rxjs';

/** All that an Observable tells. */
export interface Outcome {
  readonly values: unknown[];
  readonly completed?: true;
  readonly error?: unknown;
}

export function outcomeOf(source: Observable<unknown>): Promise<Outcome> {
  return new Promise((resolve) => {
    const values: unknown[] = [];
    source.subscribe({
      next: (value) => values.push(value),
      error: (error: unknown) => {
        resolve({ values, error });
      },
      complete: () => {
        resolve({ values, completed: true });
      },
    });
  });
}
