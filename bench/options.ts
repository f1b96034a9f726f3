import { parseArgs } from 'node:util';

import type { Pace } from './results.js';

export const USAGE = `npm run bench -- [options]

  --only <pattern>    only the loads whose names the regular expression matches
  --quick             few, short rounds: to see that it works, not for figures
  --rounds <n>        rounds of a load, instead of 15: fewer take less time, and spread more
  --check             exit with 1 where a target is missed, and say which
  --json <file>       write all figures there; - for stdout
  --from <file>       take the figures of such a file rather than measure
  --profile <folder>  leave CPU profiles of all processes there
  --list              name the loads
  --help

Without --only, --quick and --check, docs/benchmarks.md and its plots are written anew.
`;

export interface BenchOptions {
  readonly only: RegExp | undefined;
  readonly pace: Pace;
  readonly check: boolean;
  readonly writesDocs: boolean;
  readonly json: string | undefined;
  readonly from: string | undefined;
  readonly profileFolder: string | undefined;
  readonly list: boolean;
  readonly help: boolean;
}

const FULL: Pace = { rounds: 15, roundMs: 1000, warmUpMs: 1500, mostConnections: 10_000 };
const QUICK: Pace = { rounds: 3, roundMs: 250, warmUpMs: 400, mostConnections: 1000 };

/** @throws {Error} where there is no such option. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      check: { type: 'boolean', default: false },
      json: { type: 'string' },
      from: { type: 'string' },
      profile: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { only, quick, profile, json, from, check, list, help } = values;
  const pace = quick ? QUICK : FULL;
  const rounds = values.rounds === undefined ? pace.rounds : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number above 0');
  return {
    only: only === undefined ? undefined : new RegExp(only, 'i'),
    pace: { ...pace, rounds },
    check,
    writesDocs: only === undefined && !quick && !check,
    json,
    from,
    profileFolder: profile,
    list,
    help,
  };
}
