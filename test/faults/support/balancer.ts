import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import { statusOf } from '../../server/probing.js';

interface Backend {
  readonly port: number;
  isReady: boolean;
  /** Connections that it was given. */
  taken: number;
}

/**
 * What a Service of Kubernetes is to its pods: one port, behind which each connection goes to the first backend that
 * was ready when it was last asked, over HTTP. It asks behind each connection, so that it is late by one, as they are.
 */
export class Balancer {
  private readonly backends: Backend[] = [];
  private readonly sockets = new Set<Socket>();
  private asking: Promise<void> = Promise.resolve();

  private constructor(private readonly server: Server) {}

  static async listen(): Promise<Balancer> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const balancer = new Balancer(server);
    server.on('connection', (socket) => {
      balancer.take(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return balancer;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Adds a backend, behind those that there are. */
  add(port: number): void {
    this.backends.push({ port, isReady: true, taken: 0 });
  }

  /** Connections that a backend was given. */
  takenBy(port: number): number {
    return this.backends.find((backend) => backend.port === port)?.taken ?? 0;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
    await this.asking;
  }

  private take(client: Socket): void {
    const backend = this.backends.find(({ isReady }) => isReady);
    this.keep(client);
    if (backend === undefined) {
      client.destroy();
    } else {
      backend.taken++;
      const server = connect({ port: backend.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
      this.keep(server);
      client.pipe(server);
      server.pipe(client);
      client.on('close', () => server.destroy());
      server.on('close', () => client.destroy());
    }
    this.asking = this.asking.then(async () => this.askAll());
  }

  private async askAll(): Promise<void> {
    for (const backend of this.backends) {
      backend.isReady = (await statusOf(backend.port, '/readyz').catch(() => undefined)) === 200;
    }
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.sockets.delete(socket));
  }
}
