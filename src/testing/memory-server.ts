// See pipe.ts.
import { setImmediate } from 'node:timers';
import { Server, type AddressInfo, type ListenOptions, type ServerOpts, type Socket } from 'node:net';

import type { Exchange } from './exchange.js';

/** A `net.Server` that listens in memory: connections come to it from an {@link Exchange}. */
export class MemoryServer extends Server {
  private exchange: Exchange | undefined;
  private state: 'closed' | 'starting' | 'listening' = 'closed';
  private at: ListenOptions | undefined;
  /** Kept, so that a server which the system was to pick a port for comes back where it was. */
  private pickedPort: number | undefined;
  private readonly sockets = new Set<Socket>();

  constructor(options: ServerOpts, onConnection: (socket: Socket) => void) {
    super(options, onConnection);
    Object.defineProperty(this, 'listening', { get: () => this.state === 'listening' });
  }

  plugInto(exchange: Exchange): void {
    this.exchange = exchange;
  }

  /** Someone has connected. */
  take(socket: Socket): void {
    this.sockets.add(socket);
    socket.once('close', () => {
      this.sockets.delete(socket);
      this.tellWhenClosed();
    });
    this.emit('connection', socket);
  }

  override listen(...[options]: unknown[]): this {
    if (this.state !== 'closed') {
      throw Object.assign(new Error('Listen method has been called more than once without closing.'), {
        code: 'ERR_SERVER_ALREADY_LISTEN',
      });
    }
    this.state = 'starting';
    setImmediate(() => {
      this.start(options as ListenOptions);
    });
    return this;
  }

  override address(): AddressInfo | string | null {
    if (this.state !== 'listening' || this.at === undefined) return null;
    const { path, port = 0 } = this.at;
    return path ?? { address: '127.0.0.1', family: 'IPv4', port };
  }

  override close(callback?: (error?: Error) => void): this {
    if (this.state === 'listening') {
      if (callback !== undefined) this.once('close', callback);
      this.state = 'closed';
      this.exchange?.leave(this);
    } else if (callback !== undefined) {
      const error = Object.assign(new Error('Server is not running.'), { code: 'ERR_SERVER_NOT_RUNNING' });
      this.once('close', () => {
        callback(error);
      });
    }
    this.tellWhenClosed();
    return this;
  }

  override getConnections(callback: (error: Error | null, count: number) => void): this {
    setImmediate(() => {
      callback(null, this.sockets.size);
    });
    return this;
  }

  private start(options: ListenOptions): void {
    const { exchange } = this;
    if (this.state !== 'starting' || exchange === undefined) return;
    const port = options.port === 0 ? (this.pickedPort ??= exchange.freePort()) : options.port;
    this.at = { ...options, port };
    const code = exchange.enter(this, this.at);
    if (code === undefined) {
      this.state = 'listening';
      this.emit('listening');
    } else {
      this.state = 'closed';
      this.emit(
        'error',
        Object.assign(new Error(`listen ${code}: address already in use`), { code, syscall: 'listen' }),
      );
    }
  }

  private tellWhenClosed(): void {
    if (this.state !== 'closed' || this.sockets.size > 0) return;
    setImmediate(() => {
      if (this.state === 'closed' && this.sockets.size === 0) this.emit('close');
    });
  }
}
