import type { ContenderName } from '../contenders/contenders.js';
import type { ClientWork } from '../loads/measure.js';
import type { Load, Work } from '../loads/loads.js';
import type { Payload } from '../loads/payload.js';
import type { Figures, LoadResult, Pace, PeakMemory } from '../results.js';
import { makeCertificate } from './certificate.js';
import { idleConnections } from './idle-connections.js';
import { Pair } from './pair.js';

/** A contender in a load. */
interface Entrant {
  readonly name: ContenderName;
  readonly rounds: Figures[];
  pair: Pair | undefined;
  peakMemory: PeakMemory | undefined;
  error: string | undefined;
}

export interface MeasureOptions {
  readonly pace: Pace;
  readonly profileFolder: string | undefined;
  /** Called with the milliseconds that the plan had for what has just been done. */
  onDone(plannedMs: number): void;
}

/** Milliseconds that starting two processes takes, about. */
const START_MS = 1500;
/** Connections that warm up what accepts them. */
const WARM_UP_CONNECTIONS = 500;
/** In flight when the best rate of Nest's TCP transport is looked for. */
const IN_FLIGHT_FOR_RATE = [64, 512];

/** Milliseconds that a load takes, about. */
export function plannedMs({ contenders }: Load, { rounds, roundMs, warmUpMs }: Pace): number {
  return contenders.length * (START_MS + warmUpMs + rounds * roundMs);
}

/** Lets the contenders of a load take turns, round by round, behind a warm-up. */
export async function measureLoad(load: Load, options: MeasureOptions): Promise<LoadResult> {
  const { pace } = options;
  const entrants = load.contenders.map((name): Entrant => ({
    name,
    rounds: [],
    pair: undefined,
    peakMemory: undefined,
    error: undefined,
  }));
  const certificate = load.isOverTls === true ? makeCertificate() : undefined;
  const payload = payloadOf(load.work);
  const attempt = async (entrant: Entrant, plan: number, run: () => Promise<void>): Promise<void> => {
    if (entrant.error === undefined) await run().catch((error: unknown) => fail(entrant, error));
    options.onDone(plan);
  };
  try {
    await Promise.all(
      entrants.map((entrant) =>
        attempt(entrant, START_MS, async () => {
          const { profileFolder } = options;
          entrant.pair = await Pair.start(entrant.name, { payload: payload.kind, certificate, profileFolder });
          await entrant.pair.connect();
        }),
      ),
    );
    const rate = load.work.kind === 'open loop' ? await halfBestRate(load.work.payload, entrants, pace) : 0;
    for (const entrant of entrants) {
      await attempt(entrant, pace.warmUpMs, async () => {
        if (load.work.kind !== 'idle') await entrant.pair!.check(payload);
        await measure(entrant, load.work, rate, pace.warmUpMs, WARM_UP_CONNECTIONS);
      });
    }
    for (let round = 0; round < pace.rounds; round++) {
      for (const entrant of rotated(entrants, round)) {
        await attempt(entrant, pace.roundMs, async () => {
          entrant.rounds.push(await measure(entrant, load.work, rate, pace.roundMs, Infinity));
        });
      }
    }
    for (const entrant of entrants) {
      await attempt(entrant, 0, async () => {
        entrant.peakMemory = await entrant.pair!.peakMemory();
      });
    }
  } finally {
    await Promise.all(entrants.map(async ({ pair }) => pair?.stop()));
  }
  return {
    name: load.name,
    contenders: entrants.map(({ name, rounds, peakMemory, error }) => ({ name, rounds, peakMemory, error })),
  };
}

function measure(
  { name, pair }: Entrant,
  work: Work,
  rate: number,
  milliseconds: number,
  mostConnections: number,
): Promise<Figures> {
  if (work.kind === 'idle') {
    return pair!.measureIdle(Math.min(work.connections, mostConnections, idleConnections()));
  }
  return pair!.measure(clientWork(work, name, rate), milliseconds);
}

function clientWork(work: Exclude<Work, { kind: 'idle' }>, name: ContenderName, rate: number): ClientWork {
  switch (work.kind) {
    case 'calls':
    case 'events':
      return work;
    case 'open loop':
      return { ...work, rate };
    case 'stream':
      return { kind: 'stream', request: { ...work.request, count: work.fewerItems?.[name] ?? work.request.count } };
  }
}

/** Half the calls per second that Nest's TCP transport can do at best. */
async function halfBestRate(payload: Payload, entrants: readonly Entrant[], pace: Pace): Promise<number> {
  const pair = entrants.find(({ name }) => name === 'nest-tcp')?.pair;
  if (pair === undefined) throw new Error("the rate is that of Nest's TCP transport, which could not be started");
  let best = 0;
  for (const inFlight of IN_FLIGHT_FOR_RATE) {
    const work = { kind: 'calls' as const, payload, inFlight };
    await pair.measure(work, pace.warmUpMs);
    best = Math.max(best, (await pair.measure(work, pace.roundMs)).rate ?? 0);
  }
  return best / 2;
}

/** What the contenders echo before they are measured, and what they are set up for. */
function payloadOf(work: Work): Payload {
  switch (work.kind) {
    case 'stream':
      return work.request;
    case 'idle':
      return { kind: 'text', bytes: 1 };
    case 'calls':
    case 'events':
    case 'open loop':
      return work.payload;
  }
}

function fail(entrant: Entrant, error: unknown): void {
  entrant.error = error instanceof Error ? error.message : String(error);
  entrant.rounds.length = 0;
}

/** The same, beginning with another one each round: whoever comes first has no advantage over the run. */
function rotated<T>(values: readonly T[], by: number): T[] {
  const start = by % values.length;
  return [...values.slice(start), ...values.slice(0, start)];
}
