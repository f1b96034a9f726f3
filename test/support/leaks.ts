import { setImmediate, setTimeout } from 'node:timers/promises';

/** How many of each kind are there: sockets, servers, timers, processes, and listeners on the process. */
export type Resources = ReadonlyMap<string, number>;

const LOOKS = 100;
const BETWEEN_LOOKS_MS = 20;

export function activeResources(): Resources {
  const counts = new Map<string, number>();
  const add = (kind: string): void => {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  };
  for (const kind of process.getActiveResourcesInfo()) add(kind);
  for (const event of ['SIGINT', 'SIGTERM', 'exit', 'uncaughtException', 'unhandledRejection', 'warning']) {
    for (let count = process.listenerCount(event); count > 0; count--) add(`listener of ${event}`);
  }
  return counts;
}

/**
 * Fails where there is more of anything than `before`. What was closed a moment ago takes some turns of the event loop
 * to be gone, so it looks more than once; what has leaked stays.
 */
export async function expectNoLeaks(before: Resources): Promise<void> {
  let leaked: string[] = [];
  for (let look = 0; look < LOOKS; look++) {
    await (look < LOOKS / 2 ? setImmediate() : setTimeout(BETWEEN_LOOKS_MS));
    leaked = [];
    for (const [kind, count] of activeResources()) {
      const more = count - (before.get(kind) ?? 0);
      if (more > 0 && kind !== 'Immediate' && kind !== 'TickObject') leaked.push(`${more} ${kind}`);
    }
    if (leaked.length === 0) return;
  }
  throw new Error(`The test leaked ${leaked.join(', ')}`);
}
