import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

import type { Contender } from './contender.js';

/** Sockets and nothing else: what an idle connection costs in any case. */
export const bareSocket: Contender = {
  async serve() {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {});
      socket.resume();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return {
      port,
      async close() {
        for (const socket of sockets) socket.destroy();
        server.close();
      },
    };
  },

  connectTo(port) {
    let socket: Socket | undefined;
    return {
      async connect() {
        socket = connect(port, '127.0.0.1');
        await once(socket, 'connect');
      },
      async close() {
        socket?.destroy();
      },
      call: () => Promise.reject(new Error('nobody answers on a bare socket')),
    };
  },
};
