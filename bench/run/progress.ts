import { Presets, SingleBar } from 'cli-progress';

const MS_PER_SECOND = 1000;
const SECONDS_PER_MINUTE = 60;

/** Tells on stderr how far the run is: a bar on a terminal, a line for each load elsewhere. */
export interface Progress {
  begin(load: string): void;
  /** @param plannedMs milliseconds that the plan had for what has been done */
  advance(plannedMs: number): void;
  stop(): void;
}

/** @param plannedMs milliseconds that the run takes, about */
export function makeProgress(plannedMs: number): Progress {
  return process.stderr.isTTY ? new Bar(plannedMs) : new Lines(plannedMs);
}

class Bar implements Progress {
  private readonly bar = new SingleBar(
    { format: '{bar} {percentage} %, {eta_formatted} left: {load}', etaBuffer: 100, hideCursor: true },
    Presets.shades_classic,
  );

  constructor(plannedMs: number) {
    this.bar.start(plannedMs, 0, { load: '' });
  }

  begin(load: string): void {
    this.bar.update({ load });
  }

  advance(plannedMs: number): void {
    this.bar.increment(plannedMs);
  }

  stop(): void {
    this.bar.stop();
  }
}

class Lines implements Progress {
  private leftMs: number;

  constructor(plannedMs: number) {
    this.leftMs = plannedMs;
  }

  begin(load: string): void {
    const seconds = Math.round(this.leftMs / MS_PER_SECOND);
    const left = seconds < SECONDS_PER_MINUTE ? `${seconds} s` : `${Math.round(seconds / SECONDS_PER_MINUTE)} min`;
    process.stderr.write(`${load} (about ${left} left)\n`);
  }

  advance(plannedMs: number): void {
    this.leftMs -= plannedMs;
  }

  stop(): void {}
}
