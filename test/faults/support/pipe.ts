import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';

/** What happens to the bytes of one direction. */
export type Mode =
  | { readonly kind: 'pass' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }
  /** One byte at a time. */
  | { readonly kind: 'slice' }
  /** Taken, and never seen again; the end of the input, too. */
  | { readonly kind: 'blackhole' };

export interface PipeListener {
  /** How many of that many bytes may go now; a cut stands behind them. */
  allowed(bytes: number): number;
  passed(bytes: number): void;
}

const THROTTLE_TICK_MS = 5;
const TICKS_PER_SECOND = 1000 / THROTTLE_TICK_MS;

/** Takes bytes from one socket to another, in the way that is asked for, holding one piece at a time. */
export class Pipe {
  /** Bytes that have come. */
  arrived = 0;
  private readonly stopping = new AbortController();

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly mode: () => Mode,
    private readonly listener: PipeListener,
  ) {
    from.on('data', this.onData);
    from.on('end', this.onEnd);
  }

  /** Takes nothing more across. */
  stop(): void {
    this.stopping.abort();
    this.from.off('data', this.onData);
    this.from.off('end', this.onEnd);
  }

  /** What comes next waits until this piece is across, the end included. */
  private readonly onData = (piece: Buffer): void => {
    this.arrived += piece.length;
    this.from.pause();
    this.carry(piece).then(
      () => {
        if (!this.stopping.signal.aborted) this.from.resume();
      },
      () => {
        // Stopped, or the other side is gone: then nothing more is to go across.
      },
    );
  };

  private readonly onEnd = (): void => {
    if (this.mode().kind !== 'blackhole') this.to.end();
  };

  private async carry(piece: Buffer): Promise<void> {
    const { signal } = this.stopping;
    let at = 0;
    while (at < piece.length) {
      const mode = this.mode();
      let size = piece.length - at;
      switch (mode.kind) {
        case 'blackhole':
          this.listener.passed(0);
          return;
        case 'delay':
          await setTimeout(mode.ms, undefined, { signal });
          break;
        case 'throttle':
          size = Math.min(size, Math.max(1, Math.floor(mode.bytesPerSecond / TICKS_PER_SECOND)));
          await setTimeout(THROTTLE_TICK_MS, undefined, { signal });
          break;
        case 'slice':
          size = 1;
          await setImmediate(undefined, { signal });
          break;
        case 'pass':
          break;
      }
      size = this.listener.allowed(size);
      await this.write(piece.subarray(at, at + size));
      at += size;
      this.listener.passed(size);
      signal.throwIfAborted();
    }
  }

  private async write(bytes: Buffer): Promise<void> {
    const { signal } = this.stopping;
    if (this.to.destroyed || this.to.write(bytes)) return;
    // A side that is gone drains no more: its 'close' stops the wait.
    const gone = new AbortController();
    const onClose = (): void => {
      gone.abort();
    };
    this.to.once('close', onClose);
    try {
      await once(this.to, 'drain', { signal: AbortSignal.any([signal, gone.signal]) });
    } finally {
      this.to.off('close', onClose);
    }
  }
}
