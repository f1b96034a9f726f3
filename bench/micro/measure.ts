import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Milliseconds that one round of measuring goes on at least. */
const ROUND_MS = 40;
const ROUNDS = 7;

/** Nanoseconds that `run` takes: the median of several rounds, behind one to warm up. */
export function nanoseconds(run: () => void): number {
  const rounds: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const start = performance.now();
    let runs = 0;
    let took = 0;
    do {
      run();
      runs++;
      took = performance.now() - start;
    } while (took < ROUND_MS);
    if (round > 0) rounds.push((took * 1e6) / runs);
  }
  return median(rounds);
}

/**
 * Bytes that `run` allocates, on V8's heap and beside it, whether or not they are kept: the median of several runs.
 * It must be so little that no garbage is collected meanwhile, half a megabyte.
 */
export function allocatedBytes(run: () => void): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Buffers are let go of in the background, which the next collection waits for.
    collect();
    collect();
    const before = process.memoryUsage();
    run();
    const after = process.memoryUsage();
    rounds.push(after.heapUsed - before.heapUsed + after.external - before.external);
  }
  return median(rounds);
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
}
