import type { ContenderName } from '../contenders/contenders.js';
import type { TimedWork } from '../loads/loads.js';
import type { ClientWork } from '../loads/measure.js';
import type { Payload } from '../loads/payload.js';
import type { Pace } from '../results.js';
import { makeCertificate } from './certificate.js';
import type { Entrant } from './entrant.js';
import { Pair, type PairOptions } from './pair.js';
import { START_MS, type MeasureOptions } from './plan.js';
import { rotated } from './rotated.js';

/** In flight when the best rate of Nest's TCP transport is looked for. */
const IN_FLIGHT_FOR_RATE = [64, 512];

/** Starts all contenders, warms them up, and measures them in rounds. */
export async function measureRounds(
  work: TimedWork,
  entrants: readonly Entrant[],
  isOverTls: boolean,
  { pace, profileFolder, onDone }: MeasureOptions,
): Promise<void> {
  const payload = work.kind === 'stream' ? work.request : work.payload;
  const certificate = isOverTls ? await makeCertificate() : undefined;
  const options = { payload: payload.kind, certificate, profileFolder };
  const rate = work.kind === 'open loop' ? await halfBestRate(payload, options, pace) : 0;
  const start = (entrant: Entrant): Promise<void> =>
    entrant.start(options, async (pair) => {
      await pair.check(payload);
      await pair.measure(clientWork(work, entrant.name, rate), pace.warmUpMs);
    });
  for (const entrant of entrants) {
    await start(entrant);
    onDone(START_MS + pace.warmUpMs);
  }
  for (let round = 0; round < pace.rounds; round++) {
    for (const entrant of rotated(entrants, round)) {
      if (!entrant.isRunning) await start(entrant);
      await entrant.round((pair) => pair.measure(clientWork(work, entrant.name, rate), pace.roundMs));
      onDone(pace.roundMs);
    }
  }
}

function clientWork(work: TimedWork, contender: ContenderName, rate: number): ClientWork {
  switch (work.kind) {
    case 'calls':
    case 'events':
      return work;
    case 'open loop':
      return { ...work, rate };
    case 'stream': {
      const count = work.fewerItems?.[contender] ?? work.request.count;
      return { kind: 'stream', request: { ...work.request, count } };
    }
  }
}

/** Half the calls per second that Nest's TCP transport can do at best. */
async function halfBestRate(payload: Payload, options: PairOptions, pace: Pace): Promise<number> {
  const pair = await Pair.start('nest-tcp', options);
  try {
    await pair.connect();
    let best = 0;
    for (const inFlight of IN_FLIGHT_FOR_RATE) {
      const work = { kind: 'calls' as const, payload, inFlight };
      await pair.measure(work, pace.warmUpMs);
      const { rate } = await pair.measure(work, pace.roundMs);
      best = Math.max(best, rate ?? 0);
    }
    return best / 2;
  } finally {
    await pair.stop();
  }
}
