import { createServer, type Server, type Socket } from 'node:net';

import type { Endpoint } from '../options/endpoint.js';

/** A listening socket and the connections it took, which it knows until each is closed. */
export class Acceptor {
  readonly server: Server;
  private readonly sockets = new Set<Socket>();

  constructor(onConnection: (socket: Socket) => void) {
    // Half-open: a client may end its output behind its request and still wait for the answer (`nc -N` does).
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => {
        this.sockets.delete(socket);
      });
      onConnection(socket);
    });
  }

  listen(endpoint: Endpoint): void {
    this.server.listen(endpoint);
  }

  /**
   * Stops accepting.
   * @returns when every connection taken before is closed too.
   */
  async close(): Promise<void> {
    if (!this.server.listening) return;
    await new Promise<void>((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
  }

  /** Closes what is still open, at once. */
  destroyConnections(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}
