import { Presets, SingleBar } from 'cli-progress';

import { formatNumber } from '../figures.js';
import type { Extent } from './load.js';
import type { Tally } from './tally.js';

const EVERY_MS = 100;
/** Milliseconds over which the rate is taken. */
const WINDOW_MS = 1000;
const LOOKS = WINDOW_MS / EVERY_MS;
const BAR = 24;

/** A bar on stderr that shows how far a run is, how fast it goes now, and what failed. */
export class Progress {
  private readonly bar: SingleBar;
  private readonly timer: NodeJS.Timeout;
  private readonly started = performance.now();
  /** The moment and the number of calls at each of the latest looks, the oldest first. */
  private readonly looks: (readonly [at: number, calls: number])[] = [];

  constructor(
    what: string,
    private readonly extent: Extent,
    private readonly tally: Tally,
    stream: NodeJS.WriteStream,
  ) {
    this.bar = new SingleBar(
      {
        stream,
        format: `${what} {bar} {far} {rate} calls/s{failed}`,
        barsize: BAR,
        hideCursor: true,
        clearOnComplete: true,
        // Ctrl-C is seen to by who stops this.
        gracefulExit: false,
      },
      Presets.shades_classic,
    );
    const { durationMs, requests } = extent;
    this.bar.start(requests ?? durationMs ?? 1, 0, this.shown(this.started));
    this.timer = setInterval(() => {
      this.look();
    }, EVERY_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.bar.stop();
  }

  private look(): void {
    const now = performance.now();
    const { requests, durationMs = 0 } = this.extent;
    const far = requests === undefined ? Math.min(durationMs, now - this.started) : this.tally.ended;
    this.bar.update(far, this.shown(now));
  }

  private shown(now: number): { far: string; rate: string; failed: string } {
    const { requests, durationMs = 0 } = this.extent;
    const { ended, failed } = this.tally;
    this.looks.push([now, ended]);
    if (this.looks.length > LOOKS) this.looks.shift();
    const [before, calls] = this.looks[0]!;
    const rate = now > before ? ((ended - calls) / (now - before)) * 1000 : 0;
    const seconds = Math.min(durationMs, now - this.started) / 1000;
    return {
      far:
        requests === undefined
          ? `${seconds.toFixed(1)} of ${formatNumber(durationMs / 1000)} s`
          : `${formatNumber(ended)} of ${formatNumber(requests)}`,
      rate: formatNumber(Math.round(rate)),
      failed: failed === 0 ? '' : `, ${formatNumber(failed)} failed`,
    };
  }
}
