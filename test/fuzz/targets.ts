import * as fc from 'fast-check';

import { checkClientSession } from './client-session.js';
import { CLIENTS_SAY, SERVERS_SAY } from './corpus.js';
import { checkDecoder } from './decoder.js';
import { LiveTarget, type LiveConnection } from './live.js';
import { checkServerSession } from './server-session.js';
import { requests, streams, type Stream } from './streams.js';

/** Something to feed with bytes, and what has to hold then. */
export interface Target<Input = unknown> {
  readonly input: fc.Arbitrary<Input>;
  readonly check: (input: Input) => void | Promise<void>;
  /** How many inputs make a round that takes about a second. */
  readonly runs: number;
  readonly start?: () => Promise<void>;
  readonly stop?: () => Promise<void>;
}

export const TARGET_NAMES = ['decoder', 'server session', 'client session', 'live server'] as const;
export type TargetName = (typeof TARGET_NAMES)[number];

/** The targets, not started yet. */
export function targets(): Readonly<Record<TargetName, Target>> {
  const live = new LiveTarget();
  return {
    decoder: target<Stream>({ input: streams(CLIENTS_SAY), check: checkDecoder, runs: 500 }),
    'server session': target<Stream>({ input: streams(CLIENTS_SAY), check: checkServerSession, runs: 500 }),
    'client session': target<Stream>({ input: streams(SERVERS_SAY), check: checkClientSession, runs: 500 }),
    'live server': target<readonly LiveConnection[]>({
      input: fc.array(
        fc.record({
          stream: fc.oneof(
            { weight: 6, arbitrary: streams(CLIENTS_SAY) },
            { weight: 1, arbitrary: requests(CLIENTS_SAY) },
          ),
          ending: fc.constantFrom('end' as const, 'reset' as const, 'destroy' as const),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      check: (connections) => live.check(connections),
      runs: 30,
      start: () => live.start(),
      stop: () => live.stop(),
    }),
  };
}

function target<Input>(given: Target<Input>): Target {
  return given as Target;
}

/** What one round found: the smallest input for which something does not hold. */
export interface Finding {
  readonly error: Error;
  readonly input: unknown;
  /** For fast-check, to find it again. */
  readonly path: string;
}

/** Feeds a target for a round. @returns what it found; undefined where all holds */
export async function round({ input, check }: Target, seed: number, runs: number): Promise<Finding | undefined> {
  const property = fc.asyncProperty(input, async (given) => {
    await check(given);
  });
  const details = await fc.check(property, { seed, numRuns: runs, endOnFailure: false });
  if (!details.failed) return undefined;
  const error =
    details.errorInstance instanceof Error ? details.errorInstance : new Error(String(details.errorInstance));
  return { error, input: details.counterexample?.[0], path: details.counterexamplePath ?? '' };
}
