import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

import { lastValueFrom } from 'rxjs';
import { onTestFinished } from 'vitest';

import { XtcpRecordBuilder, type XtcpClient, type XtcpError } from '../../../src/index.js';
import type { KeyedCall } from '../../nest-sessions/support/service/counted.app.js';

/** How one call went. */
export interface Settled {
  readonly key: string;
  readonly isIdempotent: boolean;
  readonly error: XtcpError | undefined;
}

/** What is called. */
export interface CallKind {
  readonly isIdempotent?: true;
  /** Makes a call. @returns its key, out of what it gives where it gives anything */
  make(client: XtcpClient, call: KeyedCall): Promise<unknown>;
}

export const UNARY: CallKind = {
  make: (client, call) => lastValueFrom(client.send<string>('keyed', call)),
};

export const EVENT: CallKind = {
  make: async (client, call) => {
    // One that was merely received may die with its process before its handler begins.
    const event = new XtcpRecordBuilder(call).setAck('handled').build();
    await lastValueFrom(client.emit('keyed event', event), { defaultValue: undefined });
    return call.key;
  },
};

export const STREAM: CallKind = {
  make: async (client, call) => {
    let last: unknown;
    for await (const item of client.stream<string>('keyed items', call)) last = item;
    return last;
  },
};

export const IDEMPOTENT: CallKind = {
  isIdempotent: true,
  make: (client, call) =>
    lastValueFrom(client.send<string>('keyed', new XtcpRecordBuilder(call).setIdempotent().build())),
};

/**
 * Calls without end, so many at once, each with a key of its own. Handlers write down each key in a file, which outlives
 * their process: so it is known what ran, and how often.
 */
export class KeyedLoad {
  readonly settled: Settled[] = [];
  private started = 0;
  private readonly file: string;
  private readonly workers: Promise<void>[] = [];
  private readonly waiting = new Set<() => void>();
  private stopping = false;

  /** @param kinds what is called, in turn */
  constructor(
    private readonly client: XtcpClient,
    private readonly kinds: readonly CallKind[],
  ) {
    const directory = mkdtempSync(join(tmpdir(), 'xtcp-load-'));
    onTestFinished(() => {
      rmSync(directory, { recursive: true, force: true });
    });
    this.file = join(directory, 'ran');
    writeFileSync(this.file, '');
  }

  start(atOnce: number): void {
    for (let worker = 0; worker < atOnce; worker++) this.workers.push(this.work());
  }

  /** Waits for that many further calls to succeed. */
  async succeed(calls: number): Promise<void> {
    const until = this.succeeded + calls;
    while (this.succeeded < until) await new Promise<void>((resolve) => this.waiting.add(resolve));
  }

  /** Makes no further call. Resolves when every call that was made has settled. */
  async stop(): Promise<readonly Settled[]> {
    this.stopping = true;
    await Promise.all(this.workers);
    if (this.settled.length !== this.started) throw new Error('a call was made, but did not settle');
    return this.settled;
  }

  /** How often each key ran. */
  ran(): ReadonlyMap<string, number> {
    const times = new Map<string, number>();
    for (const key of readFileSync(this.file, 'utf8').split('\n')) {
      if (key !== '') times.set(key, (times.get(key) ?? 0) + 1);
    }
    return times;
  }

  private get succeeded(): number {
    return this.settled.reduce((sum, { error }) => (error === undefined ? sum + 1 : sum), 0);
  }

  private async work(): Promise<void> {
    while (!this.stopping) {
      const number = ++this.started;
      const key = `call ${number}`;
      const kind = this.kinds[number % this.kinds.length]!;
      const error = await this.make(kind, { key, file: this.file, ms: number % 5 });
      this.settled.push({ key, isIdempotent: kind.isIdempotent === true, error });
      const resolves = [...this.waiting];
      this.waiting.clear();
      for (const resolve of resolves) resolve();
      // A refusal comes at once; others are to have their turn.
      await setImmediate();
    }
  }

  private async make(kind: CallKind, call: KeyedCall): Promise<XtcpError | undefined> {
    try {
      const answer = await kind.make(this.client, call);
      if (answer !== call.key) throw new Error(`${call.key} got the answer of another call: ${String(answer)}`);
      return undefined;
    } catch (error) {
      return error as XtcpError;
    }
  }
}
