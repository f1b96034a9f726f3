import { createHistogram } from 'node:perf_hooks';

import { nothing } from '../../clock/clock.js';
import { XtcpError } from '../../errors/xtcp-error.js';
import { Connection, type ConnectionFlags } from '../connection.js';
import { EXIT, exitCodeOf } from '../exit-codes.js';
import { toldHere } from '../failure-line.js';
import { count, formatMs, formatNumber } from '../figures.js';
import type { Io } from '../io.js';
import { toText } from '../values.js';

export interface PingFlags extends ConnectionFlags {
  readonly count?: number;
  readonly interval: number;
  readonly timeout: number;
  readonly json?: true;
}

const NS_PER_MS = 1e6;

/** `xtcp ping`: the time from a ping of the protocol to its answer, over one connection. */
export async function ping(io: Io, target: string, flags: PingFlags): Promise<number> {
  const { out, interrupt } = io;
  if (flags.classic) throw new XtcpError('UNIMPLEMENTED', 'xtcp 0.2 has no ping; xtcp call measures with --verbose');
  const connection = new Connection(target, flags);
  const histogram = createHistogram({ figures: 4 });
  let sent = 0;
  let lastFailure: unknown;
  try {
    // Opening the connection is no part of the round trip; where that fails there is nothing to measure.
    await connection.connect(interrupt.signal);
    for (let due = performance.now(); !interrupt.signal.aborted;) {
      sent++;
      const result = await pong(connection, flags.timeout, interrupt.signal);
      if (result === undefined) {
        sent--;
        break;
      }
      if (result instanceof XtcpError && result.code === 'UNIMPLEMENTED') throw result;
      if (typeof result === 'number') histogram.record(Math.max(1, Math.round(result * NS_PER_MS)));
      else lastFailure = result;
      if (!flags.json) await out.line(lineOf(result, sent, connection.endpoint));
      if (sent === flags.count) break;
      due = Math.max(due + flags.interval, performance.now());
      await waitUntil(due, interrupt.signal);
    }
  } finally {
    await connection.close();
  }
  const answered = histogram.count;
  const lossPercent = sent === 0 ? 0 : ((sent - answered) / sent) * 100;
  const ms = (nanoseconds: number): number => (answered === 0 ? 0 : nanoseconds / NS_PER_MS);
  const [min, mean, max, p99] = [histogram.min, histogram.mean, histogram.max, histogram.percentile(99)].map(ms);
  if (flags.json) {
    const times = answered === 0 ? null : { min, mean, max, p99 };
    await out.line(
      toText({ target: connection.endpoint, sent, answered, lossPercent, roundTripMs: times }, out.isTerminal),
    );
  } else {
    // Behind the ^C that the terminal shows.
    if (interrupt.signal.aborted && out.isTerminal) await out.line('');
    await out.line(
      `--- ${connection.endpoint}: ${count(sent, 'ping')}, ${answered} answered, ${formatNumber(lossPercent)} % lost`,
    );
    if (answered > 0) {
      const times = [min, mean, max, p99].map((value) => value!.toFixed(3)).join('/');
      await out.line(`round trip min/avg/max/p99 = ${times} ms`);
    }
  }
  return answered > 0 || sent === 0 ? EXIT.ok : exitCodeOf(lastFailure);
}

/** Milliseconds to the answer, or why there is none; undefined where it was interrupted. */
async function pong(
  { caller }: Connection,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<number | XtcpError | undefined> {
  return new Promise((resolve) => {
    const started = performance.now();
    let cancel = nothing;
    const end = (result: number | XtcpError | undefined): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      cancel();
      resolve(result);
    };
    const onAbort = (): void => {
      end(undefined);
    };
    const timer = setTimeout(() => {
      end(new XtcpError('DEADLINE_EXCEEDED', `no answer within ${formatMs(timeoutMs)}`));
    }, timeoutMs);
    signal.addEventListener('abort', onAbort);
    cancel = caller.ping({
      onPong: () => {
        end(performance.now() - started);
      },
      onError: end,
    });
  });
}

function lineOf(result: number | XtcpError, number: number, endpoint: string): string {
  if (typeof result === 'number') return `pong from ${endpoint}: seq=${number} time=${result.toFixed(3)} ms`;
  return `no pong: seq=${number} ${result.code}: ${toldHere(result)}`;
}

async function waitUntil(due: number, signal: AbortSignal): Promise<void> {
  const waitMs = due - performance.now();
  if (waitMs <= 0 || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, waitMs);
    signal.addEventListener('abort', end);
  });
}
