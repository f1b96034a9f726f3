import { inspect, isDeepStrictEqual } from 'node:util';

import { Subject, type Subscription } from 'rxjs';

import { XtcpError, XtcpRecordBuilder, type XtcpCallOptions, type XtcpClient } from '../../src/index.js';
import type { ActionSpec, OutcomeSpec, ValueSpec } from './notation.js';

/** A call that a vector has made. */
interface Made {
  readonly values: unknown[];
  readonly input: Subject<unknown>;
  metadata: Record<string, string> | undefined;
  error: unknown;
  cancel(): void;
  /** For streams that are read step by step. */
  iterator?: AsyncIterator<unknown>;
  ended: Promise<void>;
}

/** Makes the calls of a vector, and compares how they ended. */
export class Actions {
  private readonly calls = new Map<string, Made>();
  /** When the client is closed, where that was an action. */
  closed: Promise<void> | undefined;

  constructor(private readonly client: XtcpClient) {}

  async run(action: ActionSpec): Promise<void> {
    const { name } = action;
    switch (action.do) {
      case 'call':
      case 'event':
        this.calls.set(name, this.start(action));
        return;
      case 'stream':
        this.calls.set(name, this.stream(action));
        return;
      case 'read':
        await this.read(this.call(name), action.items ?? 1);
        return;
      case 'push':
        this.call(name).input.next(valueOf(action.value));
        return;
      case 'complete':
        this.call(name).input.complete();
        return;
      case 'failInput':
        this.call(name).input.error(new Error('the source failed'));
        return;
      case 'cancel':
        this.call(name).cancel();
        return;
      case 'close':
        this.closed = this.client.close();
        return;
      default:
        throw new Error(`a client cannot ${JSON.stringify(action)}`);
    }
  }

  async compare({ outcome, values, error, metadata }: OutcomeSpec): Promise<void> {
    const made = this.call(outcome);
    await made.ended;
    const got = made.error === undefined ? undefined : describeError(made.error);
    expectEqual(`the error of ${outcome}`, got, error && { executed: undefined, details: undefined, ...error });
    if (values !== undefined) expectEqual(`the values of ${outcome}`, made.values, values.map(valueOf));
    if (metadata !== undefined) expectEqual(`the metadata of ${outcome}`, { ...made.metadata }, metadata);
  }

  /** Lets go of whatever is under way. */
  stop(): void {
    for (const call of this.calls.values()) call.cancel();
  }

  private call(name: string): Made {
    const made = this.calls.get(name);
    if (made === undefined) throw new Error(`no call has the name ${name}`);
    return made;
  }

  private start(action: ActionSpec): Made {
    const made = newCall();
    const record = new XtcpRecordBuilder(action.input === true ? made.input : valueOf(action.value));
    record.setOnMetadata((metadata) => (made.metadata = metadata));
    if (action.ack !== undefined) record.setAck(action.ack);
    if (action.metadata !== undefined) record.setMetadata(action.metadata);
    if (action.timeoutMs !== undefined) record.setTimeout(action.timeoutMs);
    if (action.codec !== undefined) record.setCodec(action.codec);
    const { client } = this;
    const result =
      action.do === 'event' ? client.emit(action.pattern, record.build()) : client.send(action.pattern, record.build());
    let subscription: Subscription | undefined;
    made.ended = new Promise((resolve) => {
      subscription = result.subscribe({
        next: (value: unknown) => {
          if (action.do === 'call') made.values.push(value);
        },
        error: (error: unknown) => {
          made.error = error;
          resolve();
        },
        complete: resolve,
      });
    });
    made.cancel = () => subscription?.unsubscribe();
    return made;
  }

  private stream(action: ActionSpec): Made {
    const made = newCall();
    const options: XtcpCallOptions = {
      timeoutMs: action.timeoutMs,
      onMetadata: (metadata) => {
        made.metadata = metadata;
      },
    };
    const data = new XtcpRecordBuilder(action.input === true ? made.input : valueOf(action.value)).build();
    const iterator = this.client.stream(action.pattern, data, options)[Symbol.asyncIterator]();
    made.iterator = iterator;
    made.cancel = () => void iterator.return?.();
    return made;
  }

  /** Takes items, until the end where there are fewer. */
  private async read(made: Made, items: number): Promise<void> {
    for (let item = 0; item < items; item++) {
      try {
        const result = await made.iterator!.next();
        if (result.done === true) return;
        made.values.push(result.value);
      } catch (error) {
        made.error = error;
        return;
      }
    }
  }
}

function newCall(): Made {
  return {
    values: [],
    input: new Subject(),
    metadata: undefined,
    error: undefined,
    cancel: () => {},
    ended: Promise.resolve(),
  };
}

/** The value that one member, named like a codec letter, stands for. */
export function valueOf(spec: ValueSpec | undefined): unknown {
  if (spec === undefined) return undefined;
  const [[letter, value] = []] = Object.entries(spec);
  if (letter === '-') return undefined;
  return letter === 'b' ? bytesOf(value) : value;
}

function bytesOf(value: unknown): Buffer {
  if (typeof value === 'string') return Buffer.from(value, 'hex');
  const { fill, length } = value as { fill: string; length: number };
  return Buffer.alloc(length, fill);
}

/** An error as vectors say it. What a handler failed with comes to the caller as it is. */
function describeError(error: unknown): object {
  if (!(error instanceof XtcpError)) return { code: 'APPLICATION', executed: undefined, details: error };
  return { code: error.code, executed: error.executed, details: error.details };
}

function expectEqual(what: string, got: unknown, expected: unknown): void {
  if (isDeepStrictEqual(got, expected)) return;
  throw new Error(`${what}: expected ${show(expected)}, got ${show(got)}`);
}

function show(value: unknown): string {
  return inspect(value).slice(0, 500);
}
