import { Connection, namedCall, type ConnectionFlags } from '../connection.js';
import { readData, readItems, type DataFlags } from '../data.js';
import { EXIT } from '../exit-codes.js';
import { oneLine, withDetails } from '../failure-line.js';
import { formatMs } from '../figures.js';
import type { Io } from '../io.js';
import { XtcpError } from '../../errors/xtcp-error.js';
import type { PayloadKind } from '../../options/payload-kind.js';
import { Inbox } from '../../session/inbox.js';
import type { Metadata } from '../../wire/metadata.js';
import { toText, ValuePrinter } from '../values.js';

/** Flags of the commands that make calls. */
export interface MadeCallFlags extends ConnectionFlags, DataFlags {
  readonly meta?: Record<string, string>;
  readonly timeout: number;
  readonly payload: PayloadKind;
}

export interface CallFlags extends MadeCallFlags {
  readonly verbose?: true;
}

/** `xtcp call`: prints the values of the answer as they come; what is not printed yet holds the server up. */
export async function call(
  { out, err, interrupt }: Io,
  target: string,
  pattern: string,
  words: string | undefined,
  flags: CallFlags,
): Promise<number> {
  const connection = new Connection(target, flags);
  const data = await readData(words, flags, interrupt.signal);
  const items = flags.streamIn ? new Items(readItems(flags.json === true)) : undefined;
  const started = performance.now();
  let metadata: Metadata | undefined;
  const inbox = new Inbox(() => {
    cancel();
  });
  const cancel = connection.call(
    {
      pattern,
      data,
      ...(items && { input: (sender) => sender.pull(items) }),
      metadata: flags.meta,
      timeoutMs: flags.timeout,
      payload: flags.payload,
      signal: interrupt.signal,
      onMetadata: (given) => {
        metadata = given;
      },
    },
    {
      onValue: (value, taken) => {
        inbox.push(value, taken);
      },
      onComplete: () => {
        inbox.complete();
      },
      onError: (error) => {
        inbox.fail(error);
      },
    },
  );
  const printer = new ValuePrinter(out, err);
  let values = 0;
  try {
    for await (const value of inbox) {
      values++;
      await printer.print(value);
    }
  } catch (error) {
    if (flags.verbose) await tellDetails(error);
    // What went wrong here is why the handler failed.
    throw items?.failure ?? told(error, pattern, connection.endpoint);
  } finally {
    if (flags.verbose) await tellMore();
    // Nothing is read from it any more, and it would keep what reads it.
    if (items !== undefined) process.stdin.destroy();
    await connection.close();
  }
  return EXIT.ok;

  async function tellMore(): Promise<void> {
    for (const [key, value] of Object.entries(metadata ?? {})) await err.line(oneLine(`metadata: ${key}=${value}`));
    const count = values === 1 ? '1 value' : `${values} values`;
    await err.line(`${count} from ${connection.endpoint} in ${formatMs(performance.now() - started)}`);
  }

  async function tellDetails(error: unknown): Promise<void> {
    if (!(error instanceof XtcpError) || error.details === undefined) return;
    const { details } = error;
    await err.line(`details: ${typeof details === 'string' ? details : toText(details, true)}`);
  }
}

/** An error of a call, with all that the server said of it. */
function told(error: unknown, pattern: string, endpoint: string): unknown {
  return error instanceof XtcpError ? withDetails(error, pattern, endpoint) : namedCall(error, pattern, endpoint);
}

/** Items of the input, and what their source failed with: the server learns only that it has failed. */
class Items implements AsyncIterable<unknown> {
  failure: unknown;

  constructor(private readonly source: AsyncGenerator<unknown, void, undefined>) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void, undefined> {
    try {
      yield* this.source;
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}
