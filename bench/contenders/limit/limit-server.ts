import { createServer, type Server as NetServer, type Socket } from 'node:net';

import { Server, type CustomTransportStrategy } from '@nestjs/microservices';

import { FrameReader } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';

/** A transport that does nothing but hand calls to the one handler: no routes, no hooks, no errors, no limits. */
export class LimitServer extends Server implements CustomTransportStrategy {
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer({ noDelay: true }, (socket) => {
    this.accept(socket);
  });

  listen(callback: () => void): void {
    this.server.listen(0, '127.0.0.1', callback);
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }

  on(): void {
    throw new Error('nobody listens to it');
  }

  unwrap<T = NetServer>(): T {
    return this.server as T;
  }

  private accept(socket: Socket): void {
    const handler = this.messageHandlers.get('echo')!;
    const writer = new FrameWriter(socket);
    const reader = new FrameReader((id, value) => {
      void handler(value).then((result) => {
        writer.write(id, result);
      });
    });
    this.sockets.add(socket);
    socket.on('data', (chunk) => {
      reader.push(chunk);
    });
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => {});
  }
}
