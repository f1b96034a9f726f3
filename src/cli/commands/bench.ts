import { ClosedLoad, OpenLoad, type Extent, type Load, type MakeCall } from '../bench/load.js';
import { Progress } from '../bench/progress.js';
import { reportOf } from '../bench/report.js';
import { resultOf, secondsOf, type Setting } from '../bench/result.js';
import { Tally } from '../bench/tally.js';
import { Traffic } from '../bench/traffic.js';
import { Connection } from '../connection.js';
import { readData } from '../data.js';
import { EXIT } from '../exit-codes.js';
import type { Io } from '../io.js';
import { toText } from '../values.js';
import type { MadeCallFlags } from './call.js';

export interface BenchFlags extends Omit<MadeCallFlags, 'json'> {
  readonly jsonData?: string | true;
  readonly json?: true;
  readonly concurrency?: number;
  readonly duration?: number;
  readonly requests?: number;
  readonly connections?: number;
  readonly rate?: number;
  readonly warmUp: number;
}

const DEFAULT_CONCURRENCY = 64;
const DEFAULT_DURATION_MS = 10_000;
/** Calls that every server runs at once on one connection, at the least (docs/protocol.md, "Opening"). */
const CALLS_OF_CONNECTION = 100;

/** `xtcp bench`: makes one call over and over, and tells how it went. Ctrl-C ends it early. */
export async function bench(
  io: Io,
  target: string,
  pattern: string,
  words: string | undefined,
  flags: BenchFlags,
): Promise<number> {
  const { out, interrupt } = io;
  const setting = settingOf(target, pattern, flags);
  const connections = connectionsOf(target, flags, setting);
  const { file, jsonData } = flags;
  const given = { ...(file !== undefined && { file }), ...(jsonData !== undefined && { json: jsonData }) };
  const data = await readData(words, given, interrupt.signal, '--json-data');
  const traffic = new Traffic();
  for (const connection of connections) traffic.watch(connection);
  const request = connections[0]!.request({
    pattern,
    data,
    metadata: flags.meta,
    timeoutMs: flags.timeout,
    payload: flags.payload,
  });
  const callers = connections.map(({ caller }) => caller);
  const makeCall: MakeCall = (observer, place) => callers[place % callers.length]!.call(request, observer);
  try {
    // Where nobody listens there is nothing to measure.
    await Promise.all(connections.map((connection) => connection.connect(interrupt.signal)));
    if (flags.warmUp > 0) {
      const extent = { durationMs: flags.warmUp, requests: undefined };
      await run(io, 'warming up', loadOf(new Tally(), extent), extent);
    }
    const tally = new Tally();
    const extent = {
      durationMs: flags.requests === undefined ? (flags.duration ?? DEFAULT_DURATION_MS) : undefined,
      requests: flags.requests,
    };
    const before = traffic.bytes;
    const started = performance.now();
    if (!interrupt.signal.aborted) await run(io, 'calling', loadOf(tally, extent), extent);
    const seconds = secondsOf(started, performance.now(), tally.lastSuccessAt, extent.durationMs);
    const { sent, received } = traffic.bytes;
    const result = resultOf({ ...setting, target: connections[0]!.endpoint }, tally, seconds, {
      sent: sent - before.sent,
      received: received - before.received,
    });
    if (flags.json) await out.line(toText(result, out.isTerminal));
    else for (const line of reportOf(result, out.width, out.colors)) await out.line(line);
    return tally.failed > 0 ? EXIT.failed : EXIT.ok;
  } finally {
    await Promise.all(connections.map((connection) => connection.close()));
  }

  function loadOf(tally: Tally, extent: Extent): { load: Load; tally: Tally } {
    const { concurrency, rate } = setting;
    const load =
      rate === null
        ? new ClosedLoad(tally, makeCall, concurrency, extent)
        : new OpenLoad(tally, makeCall, concurrency, extent, rate);
    return { load, tally };
  }
}

async function run(
  { err, interrupt: { signal } }: Io,
  what: string,
  { load, tally }: { load: Load; tally: Tally },
  extent: Extent,
): Promise<void> {
  const progress = err.isTerminal ? new Progress(what, extent, tally, process.stderr) : undefined;
  const onAbort = (): void => {
    load.stop();
  };
  signal.addEventListener('abort', onAbort);
  try {
    await load.run();
  } finally {
    signal.removeEventListener('abort', onAbort);
    progress?.stop();
  }
}

function settingOf(target: string, pattern: string, flags: BenchFlags): Setting {
  const { rate = null, connections: asked } = flags;
  const most = rate === null ? DEFAULT_CONCURRENCY : CALLS_OF_CONNECTION * (asked ?? 1);
  const concurrency = Math.min(flags.concurrency ?? most, flags.requests ?? Infinity);
  const needed = flags.classic ? concurrency : Math.ceil(concurrency / CALLS_OF_CONNECTION);
  return { target, pattern, concurrency, connections: asked ?? needed, rate };
}

/** Classic has one call at a time on a connection, and a pool that opens those that are needed. */
function connectionsOf(target: string, flags: BenchFlags, { connections, concurrency }: Setting): Connection[] {
  const clients = flags.classic ? 1 : connections;
  const classic = flags.classic ? connections : Math.ceil(concurrency / clients);
  return Array.from(
    { length: clients },
    // Calls wait for a place as long as their own time allows.
    () => new Connection(target, flags, { connections: classic, queueTimeoutMs: 0, maxQueue: 1_000_000 }),
  );
}
