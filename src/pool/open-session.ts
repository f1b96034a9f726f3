import { readErrorAnswer } from '../classic/error-answer.js';
import type { Cancel, Clock } from '../clock/clock.js';
import { Deadlines } from '../clock/deadlines.js';
import { fromSocketError } from '../errors/from-node.js';
import { XtcpError } from '../errors/xtcp-error.js';
import type { Auth } from '../options/client-options.js';
import { ClientSession, type ClientSessionListener } from '../session/client-session.js';
import { helloFields, isHello, readHello, type Hello } from '../session/hello.js';
import type { SessionLimits } from '../session/session.js';
import type { ByteStream } from '../wire/byte-stream.js';
import type { Packer } from '../wire/codec.js';
import { FrameStream } from '../wire/frame-stream.js';
import type { Frame } from '../wire/frame.js';
import type { Dial } from './connection.js';

export interface OpenSessionLimits extends SessionLimits {
  /** Milliseconds that the server has to answer the hello; 0 for any time. */
  readonly connectTimeoutMs: number;
  readonly incompleteMessageTimeout: number;
  readonly maxFields: number;
}

export interface OpenSessionListener extends ClientSessionListener {
  onOpen(session: ClientSession): void;
  /** The server speaks only the classic protocol: it answered the hello with one field. */
  onClassic(): void;
  onFailed(error: XtcpError): void;
  /** The connection is gone. Said once, last, where there was one. */
  onGone(): void;
}

/** Asks for the token, dials, says hello, and hands over the session once the server has said hello too. */
export function openSession(
  dial: Dial,
  own: Hello,
  auth: Auth | undefined,
  limits: OpenSessionLimits,
  clock: Clock,
  msgpack: Packer | undefined,
  listener: OpenSessionListener,
): Cancel {
  /** Until there is a connection, whose own end is told then. */
  let waiting = true;
  const settle = (): boolean => {
    const wasWaiting = waiting;
    waiting = false;
    return wasWaiting;
  };
  const fail = (error: XtcpError): void => {
    if (!settle()) return;
    listener.onFailed(error);
    listener.onGone();
  };
  const start = (hello: Hello): Cancel =>
    dial((bytes) => {
      settle();
      cancel = greet(bytes, hello, limits, clock, msgpack, listener);
    }, fail);
  let cancel: Cancel;
  if (typeof auth === 'function') {
    cancel = askForToken(auth, limits.connectTimeoutMs, clock, fail, (token) => {
      cancel = start({ ...own, auth: token });
    });
  } else {
    cancel = start({ ...own, auth });
  }
  return () => {
    cancel();
    if (settle()) listener.onGone();
  };
}

/** @returns what to call when it is not wanted any more; neither of the two functions is called then */
function askForToken(
  auth: () => string | Promise<string>,
  timeoutMs: number,
  clock: Clock,
  onFailed: (error: XtcpError) => void,
  onToken: (token: string) => void,
): Cancel {
  let waiting = true;
  const settle = (): boolean => {
    const wasWaiting = waiting;
    waiting = false;
    stopTimer();
    return wasWaiting;
  };
  const fail = (message: string, cause?: unknown): void => {
    if (settle()) onFailed(new XtcpError('UNAUTHENTICATED', message, { cause, executed: false }));
  };
  const stopTimer = clock.after(timeoutMs, () => {
    fail(`the option "auth" gave no token within ${timeoutMs} ms (connectTimeoutMs)`);
  });
  Promise.resolve()
    .then(auth)
    .then(
      (token: unknown) => {
        if (typeof token !== 'string') fail('the option "auth" gave something that is no string');
        else if (settle()) onToken(token);
      },
      (error: unknown) => {
        fail('the option "auth" failed to give a token', error);
      },
    );
  return settle;
}

/** Whether a classic answer may have been said before the server had made out the hello. */
function saysNothing(answer: XtcpError | undefined): boolean {
  const code = answer?.code;
  return code === 'UNAVAILABLE' || code === 'RESOURCE_EXHAUSTED' || code === 'DEADLINE_EXCEEDED';
}

function greet(
  bytes: ByteStream,
  own: Hello,
  limits: OpenSessionLimits,
  clock: Clock,
  msgpack: Packer | undefined,
  listener: OpenSessionListener,
): Cancel {
  let waiting = true;
  const settle = (): boolean => {
    if (!waiting) return false;
    waiting = false;
    stopTimer();
    return true;
  };
  const fail = (error: XtcpError): void => {
    if (!settle()) return;
    frames.destroy();
    // No call can have begun: none is sent before the server has said hello.
    listener.onFailed(error.notExecuted());
  };
  const answered = (frame: Frame): void => {
    if (!isHello(frame)) {
      const refusal = frame.count === 1 ? readErrorAnswer(frame) : undefined;
      if (frame.count > 1) {
        fail(new XtcpError('UNAVAILABLE', 'the server answered the hello with something else'));
      } else if (refusal?.executed === false) {
        // It turned the connection away, whatever is said on it: without TLS, or without a certificate.
        fail(refusal);
      } else if (saysNothing(refusal)) {
        fail(new XtcpError('UNAVAILABLE', 'the server could not take the hello'));
      } else if (settle()) {
        frames.destroy();
        listener.onClassic();
      }
      return;
    }
    let peer: Hello;
    try {
      peer = readHello(frame, 'server');
    } catch (error) {
      fail(error as XtcpError);
      return;
    }
    settle();
    const side = { hello: own, limits, clock, deadlines: new Deadlines(clock), msgpack };
    const session = new ClientSession(frames, side, peer, listener);
    frames.handTo({
      onFrame: (next) => {
        session.onFrame(next);
      },
      onBadInput: (error) => {
        session.onBadInput(error);
      },
      onEnd: (midFrame) => {
        session.onEnd(midFrame);
      },
      onDrain: () => {
        session.onDrain();
      },
      onClose: (error) => {
        session.onClose(error);
        listener.onGone();
      },
    });
    listener.onOpen(session);
  };
  const { incompleteMessageTimeout, connectTimeoutMs } = limits;
  const frameLimits = { maxFrameBytes: own.maxFrame, maxFields: limits.maxFields, incompleteMessageTimeout };
  const frames = new FrameStream(bytes, frameLimits, clock, {
    onFrame: answered,
    onBadInput: (cause) => {
      fail(new XtcpError('UNAVAILABLE', 'the server answered the hello with something else', { cause }));
    },
    onEnd: () => {
      fail(new XtcpError('UNAVAILABLE', 'the server closed the connection before it answered the hello'));
    },
    onDrain: () => {},
    onClose: (error) => {
      fail(error === undefined ? new XtcpError('UNAVAILABLE', 'the connection was closed') : fromSocketError(error));
      listener.onGone();
    },
  });
  const stopTimer = clock.after(connectTimeoutMs, () => {
    fail(new XtcpError('UNAVAILABLE', `no answer to the hello within ${connectTimeoutMs} ms (connectTimeoutMs)`));
  });
  frames.send(helloFields(own));
  return () => {
    if (settle()) frames.destroy();
  };
}
