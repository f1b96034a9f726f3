import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import { onTestFinished } from 'vitest';

/** A peer that is nothing but a socket: sends bytes as they are, and collects what comes. */
export class RawPeer {
  private received = Buffer.alloc(0);
  private readonly waiting = new Set<() => void>();
  /** Whether the other side has ended its output. */
  ended = false;
  /** Whether the connection is gone, and by which error. */
  closed = false;
  error: NodeJS.ErrnoException | undefined;

  constructor(readonly socket: Socket) {
    socket.on('data', (data) => {
      this.received = Buffer.concat([this.received, data]);
      this.changed();
    });
    socket.on('end', () => {
      this.ended = true;
      this.changed();
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    socket.on('close', () => {
      this.closed = true;
      this.changed();
    });
  }

  /** Connects to a port of this machine, half-open like `nc`; destroyed when the test ends. */
  static async dial(port: number): Promise<RawPeer> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    onTestFinished(() => {
      socket.destroy();
    });
    await once(socket, 'connect');
    return new RawPeer(socket);
  }

  send(data: string | Buffer): void {
    this.socket.write(data);
  }

  /** What has come so far and was not taken yet. */
  get bytes(): string {
    return this.received.toString('latin1');
  }

  /** Waits until `length` bytes are there and takes them, as latin1 text. */
  async take(length: number): Promise<string> {
    await this.until(() => this.received.length >= length || this.ended || this.closed);
    const taken = this.received.subarray(0, length).toString('latin1');
    this.received = this.received.subarray(length);
    return taken;
  }

  /** Waits for the end of the other side's output and takes all that came before it, as latin1 text. */
  async takeAll(): Promise<string> {
    await this.until(() => this.ended || this.closed);
    return this.take(this.received.length);
  }

  /** Waits until the connection is gone. */
  async untilClosed(): Promise<void> {
    await this.until(() => this.closed);
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.waiting.add(resolve));
  }

  private changed(): void {
    const resolves = [...this.waiting];
    this.waiting.clear();
    for (const resolve of resolves) resolve();
  }
}

/** A server that is nothing but sockets: `serve` plays it. Closed, with its connections, when the test ends. */
export async function rawServer(
  serve: (peer: RawPeer, number: number) => void,
): Promise<{ port: number; server: Server }> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(new RawPeer(socket), ++connections);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, server };
}
