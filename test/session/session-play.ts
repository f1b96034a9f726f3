import { XtcpError } from '../../src/errors/xtcp-error.js';
import { ClientSession, type OutgoingCall } from '../../src/session/client-session.js';
import { LEAST, type Hello } from '../../src/session/hello.js';
import type { ServedCall } from '../../src/session/served-call.js';
import { ServerSession, type ServerSessionLimits, type ServerSide } from '../../src/session/server-session.js';
import type { Packer } from '../../src/wire/codec.js';
import { FrameDecoder } from '../../src/wire/decoder.js';
import { FrameStream } from '../../src/wire/frame-stream.js';
import { Frame } from '../../src/wire/frame.js';
import { NO_METADATA } from '../../src/wire/metadata.js';
import { Deadlines } from '../../src/clock/deadlines.js';
import { FakeClock } from '../support/fake-clock.js';
import { MemoryStream } from '../support/memory-stream.js';

/** What a side says of itself where a test says nothing else. */
export const HELLO: Hello = { ...LEAST, codecs: [] };

/** The limits of a session where a test says nothing else. */
export const LIMITS: ServerSessionLimits = {
  keepAliveIntervalMs: 0,
  keepAliveTimeoutMs: 10,
  maxAheadBytes: 1000,
  idleTimeoutMs: 0,
  maxSendBufferSize: 64 * 1024 * 1024,
  maxControlFramesPerSecond: 1000,
  maxPatternBytes: 1024,
  maxMetadataBytes: 8192,
  maxMetadataKeys: 64,
};

export interface Terms {
  readonly own?: Partial<Hello>;
  readonly peer?: Partial<Hello>;
  readonly limits?: Partial<ServerSessionLimits>;
  readonly msgpack?: Packer;
}

/** A frame as it goes over the wire, of fields in latin1. */
export function frameOf(...fields: readonly string[]): string {
  return `${fields.map((field) => `${field.length}\r\n${field}\r\n`).join('')}\r\n`;
}

/** The frames that `text` consists of, each as its fields in latin1. */
export function framesIn(text: string): string[][] {
  const frames: string[][] = [];
  const decoder = new FrameDecoder(
    { maxFrameBytes: 2 ** 30, maxFields: 16 },
    {
      onFrame: (frame) => {
        frames.push(Array.from({ length: frame.count }, (_, index) => frame.bytes(index).toString('latin1')));
      },
    },
  );
  decoder.push(Buffer.from(text, 'latin1'));
  if (decoder.midFrame) throw new Error('what was written ends in the middle of a frame');
  return frames;
}

/** A frame that has arrived; strings as UTF-8. */
export function arrived(...fields: readonly (string | Uint8Array)[]): Frame {
  const frame = new Frame();
  for (const field of fields) frame.addOwn(Buffer.from(field as string));
  return frame;
}

/** What `run` throws; undefined where it throws nothing. */
export function thrownBy(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The code of the XtcpError that `run` throws; undefined where it throws nothing. */
export function codeOf(run: () => unknown): string | undefined {
  const error = thrownBy(run);
  if (error instanceof XtcpError) return error.code;
  return error === undefined ? undefined : 'no XtcpError';
}

const nothing = (): void => {};

/** One end of a connection: the test is the other one. */
export class Wire {
  readonly stream = new MemoryStream();
  readonly clock = new FakeClock();

  /** The other side sends a frame. */
  readonly send = (...fields: readonly string[]): void => {
    this.stream.receive(frameOf(...fields));
  };

  /** What this side has sent since it was last taken, heads only. */
  readonly heads = (): string[] => this.frames().map((fields) => fields[0] ?? '');

  /** What this side has sent since it was last taken. */
  readonly frames = (): string[][] => framesIn(this.stream.take());

  frameStream(own: Hello): FrameStream {
    const limits = { maxFrameBytes: own.maxFrame, maxFields: 16, incompleteMessageTimeout: 0 };
    return new FrameStream(this.stream, limits, this.clock, {
      onFrame: nothing,
      onBadInput: nothing,
      onEnd: nothing,
      onDrain: nothing,
      onClose: nothing,
    });
  }
}

function sideOf({ clock }: Wire, hello: Hello, { limits, msgpack }: Terms): ServerSide {
  return {
    hello,
    limits: { ...LIMITS, ...limits },
    clock,
    deadlines: new Deadlines(clock),
    callDeadlines: new Deadlines(clock),
    msgpack,
  };
}

export interface Serving extends Wire {
  readonly session: ServerSession;
  /** Those that were served, in order. */
  readonly calls: ServedCall[];
  readonly broken: XtcpError[];
}

/** A server's session whose calls the test serves. */
export function serving(terms: Terms = {}): Serving {
  const wire = new Wire();
  const own = { ...HELLO, ...terms.own };
  const frames = wire.frameStream(own);
  const calls: ServedCall[] = [];
  const broken: XtcpError[] = [];
  const session = new ServerSession(
    frames,
    sideOf(wire, own, terms),
    { ...HELLO, ...terms.peer },
    { serveCall: (call) => calls.push(call), onRefused: () => {}, onBroken: (error) => broken.push(error) },
  );
  frames.handTo(session);
  return Object.assign(wire, { session, calls, broken });
}

export interface Calling extends Wire {
  readonly session: ClientSession;
  /** What the session told: `room`, `leaving`. */
  readonly told: string[];
}

/** A client's session on which the test opens calls. */
export function calling(terms: Terms = {}): Calling {
  const wire = new Wire();
  const own = { ...HELLO, ...terms.own };
  const frames = wire.frameStream(own);
  const told: string[] = [];
  const session = new ClientSession(
    frames,
    sideOf(wire, own, terms),
    { ...HELLO, ...terms.peer },
    { onRoom: () => told.push('room'), onLost: () => {}, onLeaving: () => told.push('leaving') },
  );
  frames.handTo(session);
  return Object.assign(wire, { session, told });
}

export interface Recorded extends OutgoingCall {
  /** What the caller was told, in order: `[value, v]`, `[complete, metadata]`, `[error, code, executed, metadata]`. */
  readonly log: unknown[][];
  /** The caller takes the oldest value that it has not taken. */
  readonly take: () => void;
}

/** A call, `toupper` of `a` where nothing else is given, that writes down what it is told. */
export function recorded(given: Partial<OutgoingCall> = {}): Recorded {
  const log: unknown[][] = [];
  const takes: (() => void)[] = [];
  return {
    kind: 'call',
    pattern: 'toupper',
    data: { letter: 't', payload: 'a' },
    input: undefined,
    metadata: NO_METADATA,
    deadline: undefined,
    ack: 'received',
    msgpack: false,
    onSent: () => {},
    onValue: (value, taken) => {
      log.push(['value', value]);
      takes.push(taken);
    },
    onComplete: (metadata) => log.push(['complete', metadata]),
    onError: ({ code, executed }, metadata) => log.push(['error', code, executed, metadata]),
    onReturned: ({ code, executed }, metadata) => log.push(['error', code, executed, metadata]),
    ...given,
    log,
    take: () => takes.shift()?.(),
  };
}

/** Lets what waits for promises run. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
