import 'reflect-metadata';

import type { Settings } from '../contenders/contender.js';
import { CONTENDERS, type ContenderName } from '../contenders/contenders.js';
import { answerParent } from './questions.js';
import { cpuUs, peakMemoryBytes } from './usage.js';

/** The first argument of both processes. */
export interface Start {
  readonly contender: ContenderName;
  readonly settings: Settings;
}

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
