import { onTestFinished } from 'vitest';

import type { XtcpServerOptions } from '../../../src/index.js';
import { unusedPort } from '../../nest/support/addresses.js';
import { startProcess, type ServiceProcess } from '../../nest-sessions/support/child.js';

/** A process takes its time to start, so some are kept ready. */
const AHEAD = 2;

/** Processes of one service that follow each other on one port. */
export class Standby {
  private readonly ready: Promise<ServiceProcess>[] = [];
  private left: number;

  private constructor(
    readonly port: number,
    processes: number,
    private readonly options: XtcpServerOptions,
  ) {
    this.left = processes;
    for (let ahead = 0; ahead < AHEAD; ahead++) this.prepare();
  }

  /** @param processes how many there will be in all */
  static async of(processes: number, options: XtcpServerOptions = {}): Promise<Standby> {
    const standby = new Standby(await unusedPort(), processes, options);
    onTestFinished(async () => {
      for (const process of standby.ready) await (await process).kill();
    });
    return standby;
  }

  /** The next process, ready to listen. */
  async next(): Promise<ServiceProcess> {
    const process = this.ready.shift();
    if (process === undefined) throw new Error('there were to be no more processes');
    this.prepare();
    return process;
  }

  private prepare(): void {
    if (this.left === 0) return;
    this.left--;
    const { port, options } = this;
    const process = startProcess('counted', { standby: true, options: { ...options, port } });
    // Who waits for it is told.
    process.catch(() => {});
    this.ready.push(process);
  }
}
