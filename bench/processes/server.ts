import 'reflect-metadata';

import { CONTENDERS } from '../contenders/contenders.js';
import { answerParent } from './questions.js';
import type { Start } from './start.js';
import { cpuUs, peakMemoryBytes } from './usage.js';

const { contender: name, settings } = JSON.parse(process.argv[2]!) as Start;
const contender = await CONTENDERS[name].load();
const { port } = await contender.serve(settings);

const answers = {
  port: () => port,
  cpuUs,
  peakMemoryBytes,
  /** Bytes of JavaScript objects that are really held. */
  heldBytes(): number {
    // Twice: what the first finds dead may have held more.
    globalThis.gc?.();
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  },
};
export type ServerAnswers = typeof answers;

answerParent(answers);
