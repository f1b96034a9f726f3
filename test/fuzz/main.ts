import 'reflect-metadata';

import { parseArgs } from 'node:util';

import { caseOf } from './cases.js';
import { round, TARGET_NAMES, targets, type TargetName } from './targets.js';

// npm run fuzz -- [--seconds 120] [--seed n] [--target "live server"]: feeds decoder, sessions and a live server for as
// long as it is told to, and prints what it finds as a case for test/fuzz/cases.

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    seed: { type: 'string' },
    target: { type: 'string', multiple: true },
  },
});
const seconds = Number(values.seconds);
const firstSeed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const names = TARGET_NAMES.filter((name) => values.target?.includes(name) ?? true);
if (!(seconds > 0) || !Number.isSafeInteger(firstSeed) || names.length === 0) {
  throw new Error(`--seconds takes a number, --seed an integer, --target one of ${TARGET_NAMES.join(', ')}`);
}

const REPORT_EVERY_MS = 10_000;
const started = performance.now();
const elapsed = (): number => performance.now() - started;
const runs = new Map<TargetName, number>(names.map((name) => [name, 0]));
let under = '';

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function report(): void {
  const counts = [...runs].map(([name, count]) => `${name} ${count}`).join(', ');
  say(`${Math.round(elapsed() / 1000)} s: ${counts}`);
}

// What nobody catches ends the process, as it should; this says by which input.
process.on('uncaughtExceptionMonitor', () => {
  say(`nobody caught the following, ${under}`);
});

async function fuzz(): Promise<boolean> {
  const all = targets();
  for (const name of names) await all[name].start?.();
  let reported = 0;
  let found = false;
  for (let seed = firstSeed; !found && elapsed() < seconds * 1000; seed++) {
    for (const name of names) {
      under = `feeding the ${name} from --seed ${seed}`;
      const finding = await round(all[name], seed, all[name].runs);
      runs.set(name, (runs.get(name) ?? 0) + all[name].runs);
      if (finding === undefined) continue;
      found = true;
      say(`${under}: ${finding.error.stack ?? finding.error.message}`);
      say(`as a case:\n${JSON.stringify(caseOf(name, finding.error.message.split('\n', 1)[0] ?? '', finding.input))}`);
    }
    if (elapsed() - reported > REPORT_EVERY_MS) {
      reported = elapsed();
      report();
    }
  }
  for (const name of names) await all[name].stop?.();
  return found;
}

say(`seed ${firstSeed}, ${seconds} s`);
process.exitCode = (await fuzz()) ? 1 : 0;
report();
