import { setImmediate } from 'node:timers/promises';

import { XtcpError } from '../../src/errors/xtcp-error.js';
import type { Dial } from '../../src/pool/connection.js';
import { Pool, type PoolLimits } from '../../src/pool/pool.js';
import { answerOf, callOf, type Outcome } from '../classic/caller-fixture.js';
import { FakeClock } from '../support/fake-clock.js';
import { MemoryStream } from '../support/memory-stream.js';

/** One dial, and the server behind it, which the test plays. */
export class Dialled {
  readonly bytes = new MemoryStream();
  cancelled = false;

  constructor(
    private readonly onOpen: (bytes: MemoryStream) => void,
    private readonly onFailed: (error: XtcpError) => void,
  ) {}

  /** The connection stands. */
  open(): void {
    this.onOpen(this.bytes);
  }

  fail(error: XtcpError = new XtcpError('UNAVAILABLE', 'nothing listens there', { executed: false })): void {
    this.onFailed(error);
  }

  /** Takes the methods of the requests that have come since they were last taken. */
  requests(): string[] {
    return [...this.bytes.take().matchAll(/\d+\r\n(\w+)\r\n1\r\np\r\n\r\n/g)].map(([, method]) => method ?? '');
  }

  answer(...results: string[]): void {
    this.bytes.receive(results.map(answerOf).join(''));
  }

  /** The server closes, and so the connection is gone. */
  close(): void {
    this.bytes.receiveEnd();
    this.bytes.close();
  }
}

/** Dials that do what the test tells them to. */
export function fakeDial(): { dial: Dial; dials: Dialled[] } {
  const dials: Dialled[] = [];
  return {
    dials,
    dial: (onOpen, onFailed) => {
      const dialled = new Dialled(onOpen, onFailed);
      dials.push(dialled);
      return () => {
        dialled.cancelled = true;
      };
    },
  };
}

export interface Pooled {
  readonly pool: Pool;
  readonly clock: FakeClock;
  readonly dials: Dialled[];
  /** What the pool told, in order: `connect`, `lost <code>`, `close`, `connected`, `disconnected`. */
  readonly told: string[];
  readonly call: (method: string) => Outcome & { readonly cancel: () => void };
  /** Dial number `index`, which has been made. */
  readonly dialled: (index: number) => Dialled;
  /** Opens dial number `index`. */
  readonly opened: (index: number) => Dialled;
}

/** @param onTold what is done from within what the pool tells */
export function pooled(limits: Partial<PoolLimits> = {}, onTold: (what: string) => void = () => {}): Pooled {
  const { dial, dials } = fakeDial();
  const clock = new FakeClock();
  const told: string[] = [];
  const tell = (what: string): void => {
    told.push(what);
    onTold(what);
  };
  const pool = new Pool(
    dial,
    {
      maxFrameBytes: 1000,
      requestTimeoutMs: 0,
      queueTimeoutMs: 0,
      maxQueue: 1000,
      connections: 2,
      pipelining: 1,
      ...limits,
    },
    clock,
    {
      onConnect: () => {
        tell('connect');
      },
      onLost: (error) => {
        tell(`lost ${error.code}`);
      },
      onClose: () => {
        tell('close');
      },
      onStatus: (status) => {
        tell(status);
      },
    },
  );
  const dialled = (index: number): Dialled => {
    const one = dials[index];
    if (one === undefined) throw new Error(`there were ${dials.length} dials`);
    return one;
  };
  return {
    pool,
    clock,
    dials,
    told,
    call: (method) => {
      const outcome = callOf(method);
      return { ...outcome, cancel: pool.call(outcome.call) };
    },
    dialled,
    opened: (index) => {
      dialled(index).open();
      return dialled(index);
    },
  };
}

/** Whether `promise` is settled by now. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  await setImmediate();
  return settled;
}
