import type { Load } from '../loads/loads.js';
import { describeMachine } from '../machine.js';
import type { LoadResult, Results } from '../results.js';
import type { BenchOptions } from '../options.js';
import { measureLoad } from './measure-load.js';
import { plannedMs } from './plan.js';
import { makeProgress } from './progress.js';

/** Measures one load behind the other. */
export async function run(loads: readonly Load[], { pace, profileFolder }: BenchOptions): Promise<Results> {
  const progress = makeProgress(loads.reduce((sum, load) => sum + plannedMs(load, pace), 0));
  const results: LoadResult[] = [];
  try {
    for (const load of loads) {
      progress.begin(load.name);
      results.push(
        await measureLoad(load, {
          pace,
          profileFolder,
          onDone: (ms) => {
            progress.advance(ms);
          },
        }),
      );
    }
  } finally {
    progress.stop();
  }
  return { machine: describeMachine(), pace, loads: results };
}
