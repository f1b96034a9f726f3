import type { Socket } from 'node:net';

import type { Connection } from '../connection.js';

/** Bytes that went over connections, those that are closed included. */
export interface Bytes {
  readonly sent: number;
  readonly received: number;
}

/** Counts the bytes on connections. */
export class Traffic {
  private readonly open = new Set<Socket>();
  private sentBefore = 0;
  private receivedBefore = 0;

  /** Counts those of `connection`, which is not connected yet. */
  watch(connection: Connection): void {
    connection.onDialled = () => {
      for (const socket of connection.sockets) if (!this.open.has(socket)) this.add(socket);
    };
  }

  /** All until now. */
  get bytes(): Bytes {
    let [sent, received] = [this.sentBefore, this.receivedBefore];
    for (const { bytesWritten, bytesRead } of this.open) {
      sent += bytesWritten;
      received += bytesRead;
    }
    return { sent, received };
  }

  private add(socket: Socket): void {
    this.open.add(socket);
    socket.once('close', () => {
      this.open.delete(socket);
      this.sentBefore += socket.bytesWritten;
      this.receivedBefore += socket.bytesRead;
    });
  }
}
