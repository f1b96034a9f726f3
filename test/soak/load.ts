import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';

import { lastValueFrom } from 'rxjs';

import { XtcpClient, XtcpError, type XtcpClientOptions } from '../../src/index.js';
import { FaultyProxy } from '../faults/support/proxy.js';

/** How calls went, by code; `ok` for those that gave what they had to. */
export type Tally = Map<string, number>;

const WORKERS = 10;
const FAULT_MS = 150;

/** Everything that the server is put through at once: calls, connections that come and go, and faults of the network. */
export class Load {
  /** Of clients that nothing stands in the way of. */
  readonly direct: Tally = new Map();
  /** Of a client behind a network that fails all the time. */
  readonly troubled: Tally = new Map();
  /** Connections that came and went. */
  connections = 0;
  private stopping = new AbortController();

  constructor(private readonly port: number) {}

  /** Goes on for `ms` milliseconds, and leaves nothing behind. */
  async run(ms: number): Promise<void> {
    this.stopping = new AbortController();
    const { signal } = this.stopping;
    const proxy = await FaultyProxy.listen(this.port);
    const direct = new XtcpClient({ port: this.port, protocol: 'session' });
    const troubled = new XtcpClient({ port: proxy.port, ...IMPATIENT });
    const all = Promise.all([
      ...Array.from({ length: WORKERS }, () => this.call(direct, this.direct)),
      ...Array.from({ length: WORKERS }, () => this.call(troubled, this.troubled)),
      this.comeAndGo(),
      this.comeAndGoRaw(),
      this.fault(proxy),
    ]);
    await setTimeout(ms, undefined, { signal }).catch(() => {});
    this.stopping.abort();
    await all;
    await Promise.all([direct.close(), troubled.close()]);
    await proxy.close();
  }

  private get stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private async call(client: XtcpClient, tally: Tally): Promise<void> {
    for (let number = 0; !this.stopped; number++) {
      await count(tally, () => CALLS[number % CALLS.length]!(client, number));
      await setImmediate();
    }
  }

  private async comeAndGo(): Promise<void> {
    while (!this.stopped) {
      const client = new XtcpClient({ port: this.port, protocol: this.connections % 2 === 0 ? 'session' : 'classic' });
      await count(this.direct, async () => {
        const text = await lastValueFrom(client.send<string>('echo', 'here'));
        if (text !== 'here') throw new Error('an answer is wrong');
      });
      await client.close();
      this.connections++;
    }
  }

  /** Connections that end in the middle of something. */
  private async comeAndGoRaw(): Promise<void> {
    const beginnings = [
      '',
      '4\r\nxt',
      '4\r\nxtcp\r\n1\r\n1\r\n2\r\n{}\r\n\r\n',
      'nonsense',
      '4\r\necho\r\n1\r\nx\r\n\r\n',
    ];
    while (!this.stopped) {
      const socket = connect(this.port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write(beginnings[this.connections % beginnings.length] ?? '');
      await setImmediate();
      if (this.connections % 2 === 0) socket.destroy();
      else socket.resetAndDestroy();
      this.connections++;
    }
  }

  private async fault(proxy: FaultyProxy): Promise<void> {
    const { signal } = this.stopping;
    for (let number = 0; !this.stopped; number++) {
      await FAULTS[number % FAULTS.length]!(proxy);
      await setTimeout(FAULT_MS, undefined, { signal }).catch(() => {});
      await proxy.heal();
      await setTimeout(FAULT_MS, undefined, { signal }).catch(() => {});
    }
  }
}

/** Finds a dead connection before its calls run out of time. */
const IMPATIENT: XtcpClientOptions = {
  protocol: 'session',
  timeoutMs: 1000,
  connectTimeoutMs: 300,
  keepAliveIntervalMs: 100,
  keepAliveTimeoutMs: 200,
  reconnectDelayMs: 10,
  maxReconnectDelayMs: 100,
  gracePeriodMs: 100,
};

const CALLS: readonly ((client: XtcpClient, number: number) => Promise<unknown>)[] = [
  async (client, number) => {
    const answer = await lastValueFrom(client.send<number>('echo', number));
    if (answer !== number) throw new Error('an answer is wrong');
  },
  async (client) => {
    let items = 0;
    for await (const item of client.stream<number>('count', 20)) if (item === items + 1) items++;
    if (items !== 20) throw new Error('a stream is wrong');
  },
  async (client) => lastValueFrom(client.emit('note', 'x'), { defaultValue: undefined }),
  async (client) => {
    const sum = await lastValueFrom(client.send<number>('sum', threeItems()));
    if (sum !== 6) throw new Error('a sum is wrong');
  },
  async (client) => lastValueFrom(client.send('echo', Buffer.alloc(20_000))),
  async (client) => {
    for await (const item of client.stream<number>('count', 1000)) if (item === 5) break;
  },
];

const FAULTS: readonly ((proxy: FaultyProxy) => void | Promise<void>)[] = [
  (proxy) => {
    proxy.resetAll();
  },
  (proxy) => {
    proxy.set('both', { kind: 'delay', ms: 10 });
  },
  (proxy) => {
    proxy.cutAfter('toClient', 1001, 'reset');
  },
  (proxy) => {
    proxy.set('both', { kind: 'slice' });
  },
  (proxy) => {
    proxy.set('toServer', { kind: 'blackhole' });
  },
  (proxy) => {
    proxy.endAll();
  },
  (proxy) => {
    proxy.set('toClient', { kind: 'throttle', bytesPerSecond: 20_000 });
  },
  (proxy) => {
    proxy.cutAfter('toServer', 1001, 'end');
  },
  (proxy) => {
    proxy.set('both', { kind: 'blackhole' });
  },
  (proxy) => proxy.refuse(),
];

async function* threeItems(): AsyncGenerator<number> {
  yield* [1, 2, 3];
}

/** An error that is none of the transport's own is thrown on. */
async function count(tally: Tally, call: () => Promise<unknown>): Promise<void> {
  let outcome = 'ok';
  try {
    await call();
  } catch (error) {
    if (!(error instanceof XtcpError)) throw error;
    outcome = error.code;
  }
  tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
}
