import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import { onTestFinished } from 'vitest';

import type { ObservedClientCall, ObservedServerCall } from '../../src/index.js';

export interface Told {
  readonly channel: string;
  readonly message: unknown;
}

/** Listens on a channel until the test ends. */
export function listen<T>(channel: string, listener: (message: T) => void): void {
  const onMessage = (message: unknown): void => {
    listener(message as T);
  };
  subscribe(channel, onMessage);
  onTestFinished(() => {
    unsubscribe(channel, onMessage);
  });
}

const CHANNELS = [
  'client:call:start',
  'client:call:retry',
  'client:call:end',
  'client:connection:open',
  'client:connection:close',
  'client:connection:lost',
  'server:call:start',
  'server:call:end',
  'server:call:refuse',
  'server:connection:open',
  'server:connection:close',
  'server:connection:refuse',
  'server:connection:break',
];

/** All that is told until the test ends, in order. */
export class Recording {
  readonly told: Told[] = [];
  private readonly waiting = new Set<() => void>();

  constructor() {
    for (const channel of CHANNELS) {
      listen(`xtcp:${channel}`, (message) => {
        this.told.push({ channel, message });
        for (const wake of this.waiting) wake();
      });
    }
  }

  of<T>(channel: string): T[] {
    return this.told.filter((told) => told.channel === channel).map(({ message }) => message as T);
  }

  /** Waits until that many messages have come on a channel. */
  async until<T>(channel: string, count = 1): Promise<T[]> {
    while (this.of(channel).length < count) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.waiting.delete(wake);
          resolve();
        };
        this.waiting.add(wake);
      });
    }
    return this.of<T>(channel);
  }

  /** The one call of that side, ended; fails where its start and its end were not told once each, of one object. */
  async oneClientCall(): Promise<ObservedClientCall> {
    return this.one<ObservedClientCall>('client');
  }

  async oneServerCall(): Promise<ObservedServerCall> {
    return this.one<ObservedServerCall>('server');
  }

  private async one<T>(side: string): Promise<T> {
    await this.until(`${side}:call:end`);
    // Behind whatever might tell of it once more.
    await new Promise((resolve) => setImmediate(resolve));
    const starts = this.of<T>(`${side}:call:start`);
    const ends = this.of<T>(`${side}:call:end`);
    if (starts.length !== 1 || ends.length !== 1 || starts[0] !== ends[0]) {
      throw new Error(`${side}: ${starts.length} starts and ${ends.length} ends, or not of one call`);
    }
    return ends[0]!;
  }
}
