import type { Socket } from 'node:net';

import type { XtcpServer } from '../../../src/index.js';
import { Happenings } from './deferred.js';

/** The sockets that a server accepts from now on. */
export function acceptedBy(server: XtcpServer): Happenings<Socket> {
  const sockets = new Happenings<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
  });
  return sockets;
}

/**
 * Resolves when `socket` has been given something to read, or its close. What the server does with it at once is done
 * by then, since it listened first.
 */
export async function told(socket: Socket, event: 'data' | 'end' | 'close'): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.once(event, () => {
      resolve();
    });
  });
}
