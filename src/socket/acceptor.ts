import { createServer, type Server, type Socket } from 'node:net';

import type { Endpoint } from '../options/endpoint.js';

/** A listening socket and the connections it took, which it knows until each is closed. */
export class Acceptor {
  readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private starting: Promise<void> | undefined;
  private readonly onEmpty: (() => void)[] = [];

  constructor(onConnection: (socket: Socket) => void) {
    // Half-open: a client may end its output behind its request and still wait for the answer (`nc -N` does).
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.sockets.add(socket);
      onConnection(socket);
      // Behind the listeners of whoever took it, so that nothing of it runs any more when it is gone from here.
      socket.once('close', () => {
        this.sockets.delete(socket);
        if (this.sockets.size === 0) for (const resolve of this.onEmpty.splice(0)) resolve();
      });
    });
  }

  /** @throws what `net.Server.listen` throws at once; what it finds out later it tells by 'error' */
  listen(endpoint: Endpoint): void {
    this.server.listen(endpoint);
    this.starting = new Promise<void>((resolve) => {
      const started = (): void => {
        this.server.off('listening', started);
        this.server.off('error', started);
        this.starting = undefined;
        resolve();
      };
      this.server.once('listening', started);
      this.server.once('error', started);
    });
  }

  /**
   * Stops accepting.
   * @returns when every connection taken before is closed too.
   */
  async close(): Promise<void> {
    // A server that is about to listen cannot be closed yet.
    if (this.starting !== undefined) await this.starting;
    if (this.server.listening) {
      await new Promise<void>((resolve) => {
        this.server.close(() => {
          resolve();
        });
      });
    }
    // Node says that a server is closed before it says so of the last connection.
    if (this.sockets.size > 0) await new Promise<void>((resolve) => this.onEmpty.push(resolve));
  }

  /** Closes what is still open, at once. */
  destroyConnections(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}
