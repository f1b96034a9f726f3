import { METHOD, PARAMS, ClassicResponder, type Answer, type ResponderLimits } from '../../src/classic/responder.js';
import { Deadlines } from '../../src/clock/deadlines.js';
import type { XtcpError } from '../../src/errors/xtcp-error.js';
import { FrameStream, type FrameStreamLimits } from '../../src/wire/frame-stream.js';
import { FakeClock } from '../support/fake-clock.js';
import { MemoryStream } from '../support/memory-stream.js';

export interface Served {
  readonly params: string;
  /** Answers the request. */
  readonly answer: Answer;
  /** Whether the handler was told that nobody waits for the answer any more. */
  cancelled: boolean;
}

export interface Responding {
  readonly bytes: MemoryStream;
  readonly clock: FakeClock;
  readonly responder: ClassicResponder;
  /** The methods of the requests that were started, in order. */
  readonly started: string[];
  /** The input that was found to be bad. */
  readonly bad: XtcpError[];
  /** The request with this method, which has been started. */
  readonly served: (method: string) => Served;
  /** Sends requests with these methods, in one piece. */
  readonly request: (...methods: string[]) => void;
  /** Takes the results in the answers that were written since they were last taken. */
  readonly answers: () => string[];
}

export function requestOf(method: string): string {
  return `${method.length}\r\n${method}\r\n1\r\np\r\n\r\n`;
}

/** A responder over memory. Requests wait for their test to answer them; those whose method is `now` are answered at once. */
export function respond(
  limits: Partial<ResponderLimits & Pick<FrameStreamLimits, 'incompleteMessageTimeout'>> = {},
): Responding {
  const bytes = new MemoryStream();
  const clock = new FakeClock();
  const started: string[] = [];
  const running = new Map<string, Served>();
  const bad: XtcpError[] = [];
  const { incompleteMessageTimeout, ...responderLimits } = {
    incompleteMessageTimeout: 500,
    maxCalls: 10,
    halfCloseTimeoutMs: 2000,
    idleTimeoutMs: 0,
    ...limits,
  };
  const frames = new FrameStream(bytes, { maxFrameBytes: 100, maxFields: 16, incompleteMessageTimeout }, clock, {
    onFrame: () => {},
    onBadInput: () => {},
    onEnd: () => {},
    onDrain: () => {},
    onClose: () => {},
  });
  const responder = new ClassicResponder(
    frames,
    responderLimits,
    clock,
    (request, answer) => {
      const method = request.text(METHOD);
      const served: Served = { params: request.text(PARAMS), answer, cancelled: false };
      started.push(method);
      running.set(method, served);
      if (method === 'now') answer('done');
      return () => {
        served.cancelled = true;
      };
    },
    (error) => {
      bad.push(error);
    },
    new Deadlines(clock),
  );
  frames.handTo(responder);
  return {
    bytes,
    clock,
    responder,
    started,
    bad,
    served: (method) => {
      const served = running.get(method);
      if (served === undefined) throw new Error(`no request ${method} was started`);
      return served;
    },
    request: (...methods) => {
      bytes.receive(methods.map(requestOf).join(''));
    },
    answers: () => {
      const written = bytes.take();
      const results: string[] = [];
      for (let at = 0; at < written.length;) {
        const digits = /^\d+/.exec(written.slice(at))?.[0] ?? '';
        const start = at + digits.length + 2;
        const end = start + Number(digits);
        if (digits === '' || written.slice(end, end + 4) !== '\r\n\r\n')
          throw new Error(`no answer: ${written.slice(at)}`);
        results.push(written.slice(start, end));
        at = end + 4;
      }
      return results;
    },
  };
}
