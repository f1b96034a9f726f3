import type { ContenderName } from '../contenders/contenders.js';
import type { ContenderResult, Figures, PeakMemory } from '../results.js';
import { Pair, type PairOptions } from './pair.js';

/** A contender in a load. Once something of it has failed, nothing more is asked of it. */
export class Entrant {
  private runningPair: Pair | undefined;
  private readonly rounds: Figures[] = [];
  private peakMemory: PeakMemory | undefined;
  private error: string | undefined;

  constructor(readonly name: ContenderName) {}

  get result(): ContenderResult {
    const { name, peakMemory, error } = this;
    return { name, rounds: error === undefined ? this.rounds : [], peakMemory, error };
  }

  async start(options: PairOptions): Promise<void> {
    await this.attempt(async () => {
      this.runningPair = await Pair.start(this.name, options);
      await this.runningPair.connect();
    });
  }

  async attempt(run: (pair: Pair) => Promise<void>): Promise<void> {
    if (this.error !== undefined) return;
    try {
      await run(this.runningPair!);
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error);
    }
  }

  async round(measure: (pair: Pair) => Promise<Figures>): Promise<void> {
    await this.attempt(async (pair) => {
      this.rounds.push(await measure(pair));
    });
  }

  /** Ends its processes, and keeps how much memory they had at most. */
  async stop(): Promise<void> {
    if (this.runningPair === undefined) return;
    await this.attempt(async (pair) => {
      this.peakMemory = await pair.peakMemory();
    });
    await this.runningPair.stop();
    this.runningPair = undefined;
  }
}
