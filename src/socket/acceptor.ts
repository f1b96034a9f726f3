import { createServer, type Server, type Socket } from 'node:net';

import type { Endpoint } from '../options/endpoint.js';

/** A listening socket. */
export class Acceptor {
  readonly server: Server;

  constructor(onConnection: (socket: Socket) => void) {
    // Half-open: a client may end its output behind its request and still wait for the answer (`nc -N` does).
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
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
}
