import { setTimeout } from 'node:timers/promises';

import type { Figures } from './figures.js';
import { figuresOfThis } from './figures.js';
import { Load, type Tally } from './load.js';

export interface Soaked {
  readonly port: number;
  /** Of the server's process, where it has one of its own. */
  readonly figures?: () => Promise<Figures>;
}

/** Memory that may have come on top: what engines keep for themselves differs by some megabytes. */
const MORE_BYTES = 12 * 1024 * 1024;
/** What a network that fails may cost a call. */
const PARDONED = new Set(['ok', 'UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED']);
/** Looks until what was closed a moment ago is gone. */
const LOOKS = 100;
const BETWEEN_LOOKS_MS = 50;

/** Puts a server under load for so long; says what it saw. @returns what is wrong; empty where nothing is */
export async function soak(
  soaked: Soaked,
  ms: number,
  warmUpMs: number,
  say: (line: string) => void,
): Promise<string[]> {
  const load = new Load(soaked.port);
  await load.run(warmUpMs);
  const before = await look(soaked);
  say(`at the start: ${lineOf(before)}`);
  await load.run(ms);
  let after = await look(soaked);
  for (let looks = 0; looks < LOOKS && grown(before, after).length > 0; looks++) {
    await setTimeout(BETWEEN_LOOKS_MS);
    after = await look(soaked);
  }
  say(`at the end:   ${lineOf(after)}`);
  say(`calls: ${lineOfTally(load.direct)}`);
  say(`calls behind a failing network: ${lineOfTally(load.troubled)}`);
  say(`connections that came and went: ${load.connections}`);
  const wrong = grown(before, after);
  for (const code of load.direct.keys()) if (code !== 'ok') wrong.push(`calls failed with ${code} for no reason`);
  for (const code of load.troubled.keys()) if (!PARDONED.has(code)) wrong.push(`calls failed with ${code}`);
  for (const tally of [load.direct, load.troubled]) if (!tally.has('ok')) wrong.push('no call succeeded');
  return wrong;
}

type Looked = Readonly<Record<string, Figures>>;

async function look({ figures }: Soaked): Promise<Looked> {
  return { client: figuresOfThis(), ...(figures && { server: await figures() }) };
}

function grown(before: Looked, after: Looked): string[] {
  const wrong: string[] = [];
  for (const [side, { held, handles }] of Object.entries(after)) {
    const start = before[side]!;
    if (held > start.held + MORE_BYTES) wrong.push(`the memory of the ${side} grew: ${megabytes(held - start.held)}`);
    if (handles > start.handles) wrong.push(`the handles of the ${side} grew: ${handles - start.handles} more`);
  }
  return wrong;
}

function lineOf(looked: Looked): string {
  return Object.entries(looked)
    .map(([side, { held, handles }]) => `${side} ${megabytes(held)}, ${handles} handles`)
    .join('; ');
}

function lineOfTally(tally: Tally): string {
  return [...tally].map(([outcome, count]) => `${outcome} ${count}`).join(', ');
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
