import type { ListenOptions, NetConnectOpts, Socket } from 'node:net';

import type { Conditions } from './conditions.js';
import type { MemoryServer } from './memory-server.js';
import { MemorySocket, type Place } from './memory-socket.js';
import { Pipe } from './pipe.js';

const ADDRESS = '127.0.0.1';
/** Of those that a system gives to who asks for any. */
const FIRST_FREE_PORT = 49_152;

const ignore = (): void => {};

interface Connection {
  readonly ends: readonly [client: MemorySocket, server: MemorySocket];
  readonly pipes: readonly [toServer: Pipe, toClient: Pipe];
}

/** Who listens in memory, by its port or path, and the connections there are. */
export class Exchange {
  private readonly servers = new Map<string, MemoryServer>();
  private readonly open = new Set<Connection>();
  private lastPort = FIRST_FREE_PORT - 1;

  constructor(private readonly conditions: Conditions) {}

  /** Connections that at least one end has not let go of. */
  get connections(): number {
    return this.open.size;
  }

  freePort(): number {
    return ++this.lastPort;
  }

  /** @returns why it cannot listen there, as a code of Node's */
  enter(server: MemoryServer, at: ListenOptions): 'EADDRINUSE' | undefined {
    const key = keyOf(at);
    if (this.servers.has(key)) return 'EADDRINUSE';
    this.servers.set(key, server);
    return undefined;
  }

  leave(server: MemoryServer): void {
    for (const [key, one] of this.servers) if (one === server) this.servers.delete(key);
  }

  /** As `net.connect`: the socket tells 'connect', or 'error'. */
  connect(options: NetConnectOpts): Socket {
    const { conditions } = this;
    const { clock } = conditions;
    const isTcp = 'port' in options;
    const there: Place | undefined = isTcp ? { address: ADDRESS, port: options.port } : undefined;
    const here: Place | undefined = isTcp ? { address: ADDRESS, port: this.freePort() } : undefined;
    const client = new MemorySocket(clock, here, there, (socket) => {
      socket.emit('connect');
      socket.emit('ready');
    });
    const server = new MemorySocket(clock, there, here, (socket) => {
      const listening = conditions.refuses ? undefined : this.servers.get(keyOf(options));
      if (listening === undefined) {
        toClient.sendFailure(isTcp || conditions.refuses ? 'ECONNREFUSED' : 'ENOENT');
        socket.break('ECONNREFUSED', 'accept');
        return;
      }
      toClient.sendOpen();
      socket.off('error', ignore);
      listening.take(socket);
    });
    // Before a server takes it, nobody listens to its errors.
    server.on('error', ignore);
    const toServer = new Pipe(conditions, 'toServer', server);
    const toClient = new Pipe(conditions, 'toClient', client);
    client.join(toServer, toClient);
    server.join(toClient, toServer);
    this.keep({ ends: [client, server], pipes: [toServer, toClient] });
    toServer.sendOpen();
    return client;
  }

  /** Every connection ends at both ends, and those that are being asked for fail. */
  cut(): void {
    for (const { ends, pipes } of this.open) {
      for (const pipe of pipes) pipe.drop();
      for (const end of ends) {
        if (end.destroyed) continue;
        end.break('ECONNRESET', end.connecting ? 'connect' : 'read');
      }
    }
  }

  /** The conditions have changed for the better. */
  goOn(): void {
    for (const { pipes } of this.open) for (const pipe of pipes) pipe.goOn();
  }

  private keep(connection: Connection): void {
    this.open.add(connection);
    const { ends, pipes } = connection;
    for (const end of ends) {
      end.once('close', () => {
        if (!ends.every(({ closed }) => closed)) return;
        // Nobody is left to whom anything could arrive, and no timer is to wait for it.
        for (const pipe of pipes) pipe.drop();
        this.open.delete(connection);
      });
    }
  }
}

function keyOf({ port, path }: { readonly port?: number | undefined; readonly path?: string | undefined }): string {
  return path === undefined ? `port ${port}` : `path ${path}`;
}
