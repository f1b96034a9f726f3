import { inspect } from 'node:util';

/** A property does not hold. */
export function fail(what: string, detail: unknown): never {
  throw new Error(`${what}: ${inspect(detail, { depth: 4 })}`, detail instanceof Error ? { cause: detail } : undefined);
}
