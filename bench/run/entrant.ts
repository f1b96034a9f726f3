import type { ContenderName } from '../contenders/contenders.js';
import type { ContenderResult, Figures, PeakMemory } from '../results.js';
import { Pair, type PairOptions } from './pair.js';

/** Failures from which on nothing more is asked of a contender. */
const MOST_FAILURES = 2;

/** A contender in a load. One that fails in a round goes on with new processes in the next. */
export class Entrant {
  private pair: Pair | undefined;
  private readonly rounds: Figures[] = [];
  private failures = 0;
  private peakMemory: PeakMemory | undefined;
  private error: string | undefined;

  constructor(readonly name: ContenderName) {}

  get result(): ContenderResult {
    const { name, rounds, peakMemory, error } = this;
    return { name, rounds, peakMemory, error };
  }

  /**
   * Starts its processes.
   * @param prepare what comes before the first round; a check, a warm-up
   */
  async start(options: PairOptions, prepare: (pair: Pair) => Promise<void> = async () => {}): Promise<void> {
    await this.attempt(async () => {
      this.pair = await Pair.start(this.name, options);
      await this.pair.connect();
      await prepare(this.pair);
    });
  }

  /** Measures; where that fails, the round has no figures, so that the others' rounds still are its own. */
  async round(measure: (pair: Pair) => Promise<Figures>): Promise<void> {
    let figures: Figures = {};
    await this.attempt(async () => {
      if (this.pair !== undefined) figures = await measure(this.pair);
    });
    this.rounds.push(figures);
  }

  get isRunning(): boolean {
    return this.pair !== undefined;
  }

  /** Ends its processes, and keeps how much memory they had at most. */
  async stop(): Promise<void> {
    await this.attempt(async () => {
      this.peakMemory = (await this.pair?.peakMemory()) ?? this.peakMemory;
    });
    await this.end();
  }

  private async attempt(run: () => Promise<void>): Promise<void> {
    if (this.failures >= MOST_FAILURES) return;
    try {
      await run();
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error);
      this.failures++;
      await this.end();
    }
  }

  private async end(): Promise<void> {
    const { pair } = this;
    this.pair = undefined;
    await pair?.stop();
  }
}
