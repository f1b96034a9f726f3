import { FrameStream, type FrameStreamLimits } from '../../src/wire/frame-stream.js';
import { FakeClock } from '../support/fake-clock.js';
import { MemoryStream } from '../support/memory-stream.js';

export interface Opened {
  readonly bytes: MemoryStream;
  readonly clock: FakeClock;
  readonly frames: FrameStream;
  /** What the listener was told, in order. */
  readonly told: string[];
  /** Takes what the listener was told since it was last taken. */
  readonly take: () => string[];
}

/**
 * A frame stream over memory, its time standing still.
 * @param limits also whether the listener wants to be told of an end ahead
 * @param behind what is done within the call that hands over the frame with this first field
 */
export function openFrames(
  { tellsEndAhead = false, ...limits }: Partial<FrameStreamLimits> & { readonly tellsEndAhead?: boolean } = {},
  behind: Readonly<Record<string, (frames: FrameStream) => void>> = {},
): Opened {
  const bytes = new MemoryStream();
  const clock = new FakeClock();
  const told: string[] = [];
  const frames = new FrameStream(
    bytes,
    { maxFrameBytes: 100, maxFields: 2, incompleteMessageTimeout: 500, ...limits },
    clock,
    {
      onFrame: (frame) => {
        const name = frame.text(0);
        told.push(`frame ${name}`);
        behind[name]?.(frames);
      },
      onBadInput: (error) => {
        told.push(`bad input ${error.code}`);
      },
      onEnd: (midFrame) => {
        told.push(midFrame ? 'end in mid frame' : 'end');
      },
      ...(tellsEndAhead && { onEndAhead: () => told.push('end ahead') }),
      onDrain: () => {
        told.push('drain');
      },
      onClose: (error) => {
        told.push(error === undefined ? 'close' : `close ${error.message}`);
      },
    },
  );
  return { bytes, clock, frames, told, take: () => told.splice(0) };
}
