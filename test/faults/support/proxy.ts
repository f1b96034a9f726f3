import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import { Pipe, type Mode } from './pipe.js';

export type Direction = 'toServer' | 'toClient';

/** How a connection is broken: its output ends (FIN), or it is reset (RST). */
export type Break = 'end' | 'reset';

const PASS: Mode = { kind: 'pass' };
const DIRECTIONS: readonly Direction[] = ['toServer', 'toClient'];

/** One connection through the proxy. */
interface Link {
  readonly client: Socket;
  readonly server: Socket;
  readonly pipes: Readonly<Record<Direction, Pipe>>;
}

/**
 * A TCP proxy in front of a port of this machine, which does to the bytes that go through it what networks do: delays,
 * throttles, slices and swallows them, each direction for itself, and cuts, ends or resets connections. What it is told
 * counts for the connections that there are and for those to come. It holds one piece of bytes for each direction.
 */
export class FaultyProxy {
  port = 0;
  /** Connections that it took, in all. */
  taken = 0;
  private server: Server | undefined;
  private readonly links = new Set<Link>();
  private readonly sockets = new Set<Socket>();
  private readonly modes: Record<Direction, Mode> = { toServer: PASS, toClient: PASS };
  private readonly cuts: Record<Direction, { left: number; readonly how: Break } | undefined> = {
    toServer: undefined,
    toClient: undefined,
  };
  private readonly waiting = new Set<() => void>();

  private constructor(private targetPort: number) {}

  static async listen(targetPort: number): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(targetPort);
    await proxy.accept();
    return proxy;
  }

  /** Connections that are open on either side. */
  get open(): number {
    return this.links.size;
  }

  /** Bytes that have come in that direction, in all connections that are open. */
  bytes(direction: Direction): number {
    let sum = 0;
    for (const { pipes } of this.links) sum += pipes[direction].arrived;
    return sum;
  }

  /** What happens to the bytes of a direction, or of both, from now on. */
  set(direction: Direction | 'both', mode: Mode): void {
    for (const one of direction === 'both' ? DIRECTIONS : [direction]) this.modes[one] = mode;
    // Who left through a black hole is not known to have left; now it is.
    for (const link of this.links) if (link.client.destroyed || link.server.destroyed) drop(link);
  }

  /** Breaks the connection on which the next `bytes` bytes of a direction have gone through: in mid-frame, say. */
  cutAfter(direction: Direction, bytes: number, how: Break): void {
    this.cuts[direction] = { left: bytes, how };
  }

  resetAll(): void {
    for (const link of this.links) breakLink(link, 'reset');
  }

  endAll(): void {
    for (const link of this.links) breakLink(link, 'end');
  }

  /** New connections are refused until {@link accept}; those that are open stay. */
  async refuse(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    // 'close' comes only with the end of the connections; the port is free at once.
    server.close();
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }

  /** Takes connections again, at the same port. */
  async accept(): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.take(socket);
    });
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  /** Sends new connections to another port. */
  retarget(port: number): void {
    this.targetPort = port;
  }

  /** As at the start: bytes pass, connections are taken. */
  async heal(): Promise<void> {
    this.cuts.toServer = undefined;
    this.cuts.toClient = undefined;
    this.set('both', PASS);
    if (this.server === undefined) await this.accept();
  }

  /** Waits until something holds; looked at whenever bytes or connections come or go. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.waiting.add(resolve));
  }

  async close(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    for (const link of this.links) drop(link);
    for (const socket of this.sockets) socket.destroy();
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
    await this.until(() => this.sockets.size === 0);
  }

  private take(client: Socket): void {
    this.taken++;
    const server = connect({ port: this.targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const link: Link = {
      client,
      server,
      pipes: { toServer: this.pipe('toServer', client, server), toClient: this.pipe('toClient', server, client) },
    };
    this.links.add(link);
    for (const socket of [client, server]) {
      this.sockets.add(socket);
      // What broke is told to the other side below.
      socket.on('error', () => {});
      socket.on('close', (failed) => {
        this.sockets.delete(socket);
        this.gone(link, socket, failed);
        this.changed();
      });
    }
    this.changed();
  }

  private pipe(direction: Direction, from: Socket, to: Socket): Pipe {
    return new Pipe(from, to, () => this.modes[direction], {
      allowed: (bytes) => {
        const cut = this.cuts[direction];
        return cut === undefined ? bytes : Math.min(bytes, cut.left);
      },
      passed: (bytes) => {
        this.passed(direction, from, bytes);
      },
    });
  }

  private passed(direction: Direction, from: Socket, bytes: number): void {
    const cut = this.cuts[direction];
    if (cut !== undefined) {
      cut.left -= bytes;
      const link = [...this.links].find(({ client, server }) => client === from || server === from);
      if (cut.left <= 0 && link !== undefined) {
        this.cuts[direction] = undefined;
        breakLink(link, cut.how);
      }
    }
    this.changed();
  }

  /** One side is gone; the other one learns of it, unless that goes into a black hole. */
  private gone(link: Link, socket: Socket, failed: boolean): void {
    const [other, direction] =
      socket === link.client ? ([link.server, 'toServer'] as const) : ([link.client, 'toClient'] as const);
    if (other.destroyed) {
      this.links.delete(link);
      return;
    }
    if (this.modes[direction].kind === 'blackhole') return;
    if (failed) other.resetAndDestroy();
    else other.destroySoon();
  }

  private changed(): void {
    const resolves = [...this.waiting];
    this.waiting.clear();
    for (const resolve of resolves) resolve();
  }
}

function breakLink(link: Link, how: Break): void {
  for (const direction of DIRECTIONS) link.pipes[direction].stop();
  for (const socket of [link.client, link.server]) {
    if (how === 'reset') {
      if (!socket.destroyed) socket.resetAndDestroy();
    } else {
      // Says that no more comes, and reads on until the other side has ended, too.
      socket.end();
      socket.resume();
      socket.once('end', () => {
        socket.destroySoon();
      });
    }
  }
}

function drop({ client, server, pipes }: Link): void {
  for (const direction of DIRECTIONS) pipes[direction].stop();
  client.destroy();
  server.destroy();
}
