import { ClassicCaller, type CallerLimits, type ClassicCall } from '../../src/classic/caller.js';
import type { XtcpError } from '../../src/errors/xtcp-error.js';
import { FakeClock } from '../support/fake-clock.js';
import { MemoryStream } from '../support/memory-stream.js';

/** What a call was told: its answer or its error, each of them once at most. */
export interface Outcome {
  readonly call: ClassicCall;
  readonly values: unknown[];
  readonly errors: XtcpError[];
}

export function callOf(method: string, payload: ClassicCall['payload'] = 'text'): Outcome {
  const values: unknown[] = [];
  const errors: XtcpError[] = [];
  return {
    values,
    errors,
    call: {
      method,
      params: 'p',
      payload,
      onAnswer: (value) => {
        values.push(value);
      },
      onError: (error) => {
        errors.push(error);
      },
      onLost: (error) => {
        errors.push(error);
      },
    },
  };
}

export interface Calling {
  readonly bytes: MemoryStream;
  readonly clock: FakeClock;
  readonly caller: ClassicCaller;
  /** What the connection's owner was told, in order: `answer`, `room`, `close <ending or code>`, `gone`. */
  readonly told: string[];
  /** Sends a call. */
  readonly send: (method: string, payload?: ClassicCall['payload']) => Outcome & { readonly abandon: () => void };
  /** The server answers with these results, in one piece. */
  readonly answer: (...results: string[]) => void;
}

export function answerOf(result: string): string {
  return `${result.length}\r\n${result}\r\n\r\n`;
}

/** The calling side of a connection over memory, on which the test plays the server. */
export function calling(limits: Partial<CallerLimits> = {}): Calling {
  const bytes = new MemoryStream();
  const clock = new FakeClock();
  const told: string[] = [];
  const caller = new ClassicCaller(bytes, { maxFrameBytes: 1000, requestTimeoutMs: 2000, ...limits }, clock, {
    onAnswer: () => {
      told.push('answer');
    },
    onRoom: () => {
      told.push('room');
    },
    onClose: (ending) => {
      told.push(`close ${typeof ending === 'string' ? ending : ending.code}`);
    },
    onGone: () => {
      told.push('gone');
    },
  });
  return {
    bytes,
    clock,
    caller,
    told,
    send: (method, payload) => {
      const outcome = callOf(method, payload);
      return { ...outcome, abandon: caller.send(outcome.call) };
    },
    answer: (...results) => {
      bytes.receive(results.map(answerOf).join(''));
    },
  };
}
