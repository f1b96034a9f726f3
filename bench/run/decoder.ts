import { existsSync } from 'node:fs';

import type { LoadResult, Pace } from '../results.js';
import { DECODER } from '../targets.js';

/** What bench/micro has for it. */
interface Micro {
  measureDecoder(): { readonly framesPerSecond: number };
}

const MICRO = new URL('../micro/decoder.js', import.meta.url);
/** Each measures several rounds of its own. */
const ROUNDS = 3;

/** Measures the decoder alone, in this process; undefined where bench/micro is not there. */
export async function measureDecoderAlone({ rounds }: Pace): Promise<LoadResult | undefined> {
  if (!existsSync(MICRO)) return undefined;
  const micro = (await import(MICRO.href)) as Micro;
  const figures = Array.from({ length: Math.min(rounds, ROUNDS) }, () => ({
    rate: micro.measureDecoder().framesPerSecond,
  }));
  return { name: DECODER, contenders: [{ name: 'session', rounds: figures }] };
}
