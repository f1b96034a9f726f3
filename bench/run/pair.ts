import type { Certificate, Settings } from '../contenders/contender.js';
import type { ContenderName } from '../contenders/contenders.js';
import type { ClientWork } from '../loads/measure.js';
import type { Payload, PayloadKind } from '../loads/payload.js';
import type { ClientAnswers } from '../processes/client.js';
import type { ServerAnswers } from '../processes/server.js';
import type { ClientStart, Start } from '../processes/start.js';
import { Worker } from '../processes/worker.js';
import type { Figures, PeakMemory } from '../results.js';

export interface PairOptions {
  readonly payload: PayloadKind;
  readonly certificate: Certificate | undefined;
  /** Where both processes leave a CPU profile; undefined for none. */
  readonly profileFolder: string | undefined;
}

/** A contender's server and client, each in a process of its own. */
export class Pair {
  private constructor(
    private readonly server: Worker<ServerAnswers>,
    private readonly client: Worker<ClientAnswers>,
  ) {}

  static async start(contender: ContenderName, options: PairOptions): Promise<Pair> {
    const settings: Settings = { payload: options.payload, certificate: options.certificate };
    const start: Start = { contender, settings };
    const server = new Worker<ServerAnswers>('server.js', start, options.profileFolder);
    try {
      await server.ready();
      const clientStart: ClientStart = { ...start, port: await server.ask('port') };
      const client = new Worker<ClientAnswers>('client.js', clientStart, options.profileFolder);
      const pair = new Pair(server, client);
      await client.ready();
      return pair;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async connect(): Promise<void> {
    await this.client.ask('connect');
  }

  /** Fails where the contender does not do what it is measured for. */
  async check(payload: Payload): Promise<void> {
    await this.client.ask('check', payload);
  }

  async measure(work: ClientWork, milliseconds: number): Promise<Figures> {
    const before = await this.server.ask('cpuUs');
    const { count, seconds, latencies, cpuUs } = await this.client.ask('measure', work, milliseconds);
    const clientCpu = cpuUs / count;
    const serverCpu = ((await this.server.ask('cpuUs')) - before) / count;
    return { rate: count / seconds, ...latencies, clientCpu, serverCpu, cpu: clientCpu + serverCpu };
  }

  /** What the server holds for each of so many idle connections, behind the first ones, which stay open. */
  async measureIdle(first: number, connections: number): Promise<Figures> {
    await this.client.ask('openIdle', first);
    const before = await this.server.ask('heldBytes');
    await this.client.ask('openIdle', connections);
    const held = (await this.server.ask('heldBytes')) - before;
    return { heap: held / connections };
  }

  async peakMemory(): Promise<PeakMemory> {
    const [client, server] = await Promise.all([
      this.client.ask('peakMemoryBytes'),
      this.server.ask('peakMemoryBytes'),
    ]);
    return { client, server };
  }

  async stop(): Promise<void> {
    await Promise.all([this.client.stop(), this.server.stop()]);
  }
}
