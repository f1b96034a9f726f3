import { setImmediate } from 'node:timers/promises';

import { lastValueFrom } from 'rxjs';

import type { XtcpClient } from '../../src/index.js';

/** Calls one behind the other until it is told to stop. */
export function keepCalling(client: XtcpClient): { stop(): Promise<{ made: number; failed: unknown[] }> } {
  const failed: unknown[] = [];
  let made = 0;
  const stopped = new AbortController();
  const call = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const answer = await lastValueFrom(client.send('echo', `call ${made++}`)).catch((error: unknown) => {
        failed.push(error);
      });
      if (answer === undefined && failed.length === 0) failed.push('no answer');
      await setImmediate();
    }
  };
  const callers = Promise.all([call(), call()]);
  return {
    stop: async () => {
      stopped.abort();
      await callers;
      return { made, failed };
    },
  };
}
