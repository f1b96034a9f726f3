import type { IdleWork } from '../loads/loads.js';
import type { Entrant } from './entrant.js';
import { openableConnections } from './openable-connections.js';
import { IDLE_ROUNDS, OPEN_MS, START_MS, type MeasureOptions } from './plan.js';
import { rotated } from './rotated.js';

/** Connections that are there before, so that what the first ones bring with them is not counted. */
const FIRST_CONNECTIONS = 200;

/** Measures what connections that do nothing cost, with new processes each time: there is nothing left to collect. */
export async function measureIdle(
  work: IdleWork,
  entrants: readonly Entrant[],
  { pace, profileFolder, onDone }: MeasureOptions,
): Promise<void> {
  const connections = Math.min(work.connections, pace.mostConnections, openableConnections() - FIRST_CONNECTIONS);
  for (let round = 0; round < Math.min(pace.rounds, IDLE_ROUNDS); round++) {
    for (const entrant of rotated(entrants, round)) {
      await entrant.start({ payload: 'text', certificate: undefined, profileFolder });
      await entrant.round((pair) => pair.measureIdle(FIRST_CONNECTIONS, connections));
      await entrant.stop();
      onDone(START_MS + OPEN_MS * connections);
    }
  }
}
