import 'reflect-metadata';

import type { BenchClient } from '../contenders/contender.js';
import { CONTENDERS } from '../contenders/contenders.js';
import { makeValue, isEchoOf, type Payload } from '../loads/payload.js';
import { measureWork, type ClientWork, type Measured } from '../loads/measure.js';
import { answerParent } from './questions.js';
import type { ClientStart } from './start.js';
import { cpuUs, peakMemoryBytes } from './usage.js';

/** Connections that are being opened at once. */
const OPENING = 50;

const { contender: name, settings, port } = JSON.parse(process.argv[2]!) as ClientStart;
const contender = await CONTENDERS[name].load();
const client = contender.connectTo(port, settings);
/** Kept from being collected, with their connections. */
const idle: BenchClient[] = [];

const answers = {
  cpuUs,
  peakMemoryBytes,

  async connect(): Promise<void> {
    await client.connect();
  },

  /** Makes one call, and fails where its answer is not what was sent. */
  async check(payload: Payload): Promise<void> {
    const value = makeValue(payload);
    if (!isEchoOf(value, await client.call(value))) throw new Error(`${name} answered with something else`);
  },

  /** @param milliseconds that it takes, and a stream that it is in the middle of is read to its end */
  async measure(work: ClientWork, milliseconds: number): Promise<Measured> {
    const before = cpuUs();
    const measured = await measureWork(client, work, milliseconds);
    return { ...measured, cpuUs: cpuUs() - before };
  },

  /** Opens so many more connections, each by a client of its own. */
  async openIdle(count: number): Promise<void> {
    const total = idle.length + count;
    while (idle.length < total) {
      const opening = Math.min(OPENING, total - idle.length);
      const next = Array.from({ length: opening }, () => contender.connectTo(port, settings));
      await Promise.all(next.map((one) => one.connect()));
      idle.push(...next);
    }
  },
};
export type ClientAnswers = typeof answers;

answerParent(answers);
