import { Deferred } from './deferred.js';

// What an application of these tests shows to the test that runs it, and is told by it.

/** Gets every note; set by whoever runs the application. */
export const probe: { onNote: (name: string, detail: unknown) => void } = { onNote: () => {} };

const counts = new Map<string, number>();
const gates = new Map<string, Deferred>();

/** Tells the test that something has happened. */
export function note(name: string, detail?: unknown): void {
  probe.onNote(name, detail);
}

/** Counts something that is asked for later. */
export function count(name: string): number {
  const number = (counts.get(name) ?? 0) + 1;
  counts.set(name, number);
  return number;
}

export function counted(name: string): number {
  return counts.get(name) ?? 0;
}

/** Resolves when the test has opened the gate of that name. */
export function gate(name: string): Promise<void> {
  return gateOf(name).promise;
}

export function openGate(name: string): void {
  gateOf(name).resolve();
}

function gateOf(name: string): Deferred {
  let found = gates.get(name);
  if (found === undefined) {
    found = new Deferred();
    gates.set(name, found);
  }
  return found;
}
