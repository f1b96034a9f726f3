import { createServer, type Server, type ServerOpts, type Socket } from 'node:net';
import { Server as TlsServer, type TLSSocket, type TlsOptions } from 'node:tls';

import type { Endpoint } from '../options/endpoint.js';
import { checkServerContext, makeTlsServer } from './tls-context.js';
import { underneath } from './underneath.js';

/** What stands for "any time" where Node takes 0 for its own default. */
const LONGEST_MS = 2 ** 31 - 1;

/** A connection as the log names it; known even when it is gone. */
export interface PeerAddress {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
}

/** @typeParam Connection what is made of a connection that stands */
export interface AcceptorListener<Connection> {
  /**
   * A connection has come, with TLS before its handshake.
   * @returns whether it may stay; where not, it has been closed
   */
  admits(address: PeerAddress, carrier: Socket): boolean;
  /** One that was let stay is closed; with TLS, the socket underneath. */
  onGone(address: PeerAddress): void;
  /**
   * A connection stands; with TLS, behind the handshake. Whoever takes it listens for its close anyway, and tells of that
   * by {@link Acceptor.closed}: Node keeps a list of listeners for an event that has two.
   */
  onConnection(socket: Socket): Connection;
  /**
   * A TLS handshake failed by the other side's doing; its connection is destroyed behind this.
   * @param carrier the socket underneath, for last words in plain text
   */
  onHandshakeFailed(address: PeerAddress, carrier: Socket, error: Error): void;
}

/** Makes the `net.Server` of an acceptor without TLS. */
export type MakeServer = (options: ServerOpts, onConnection: (socket: Socket) => void) => Server;

/** A listening socket and the connections it took, which it knows until each is closed. */
export class Acceptor<Connection> {
  readonly server: Server;
  /**
   * What was made of each; undefined during its TLS handshake, and once it was given up. With TLS, by the TCP socket until
   * the handshake is over, then by the TLS socket.
   */
  private readonly sockets = new Map<Socket, Connection | undefined>();
  /** Of connections with TLS, by their TCP sockets: those that are closed do not know any more. */
  private readonly addresses = new WeakMap<Socket, PeerAddress>();
  private starting: Promise<void> | undefined;
  private readonly onEmpty: (() => void)[] = [];

  /**
   * @param handshakeTimeoutMs milliseconds that a client has for its TLS handshake; 0 for any time
   * @throws {XtcpError} INVALID_ARGUMENT where `tlsOptions` are wrong
   */
  constructor(
    private readonly listener: AcceptorListener<Connection>,
    private readonly handshakeTimeoutMs: number,
    tlsOptions?: TlsOptions,
    makeServer: MakeServer = createServer,
  ) {
    this.server = tlsOptions === undefined ? this.plainServer(makeServer) : this.tlsServer(tlsOptions);
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
   * New connections get these; those that stand keep theirs.
   * @param tlsOptions complete ones
   * @throws {XtcpError} INVALID_ARGUMENT where they are wrong, those before staying in force
   */
  replaceTlsOptions(tlsOptions: TlsOptions): void {
    checkServerContext(tlsOptions);
    if (this.server instanceof TlsServer) this.server.setSecureContext(tlsOptions);
  }

  /**
   * Stops accepting, and drops what is still in its TLS handshake: nothing is owed to it.
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
        this.dropHandshakes();
      });
    }
    // Node says that a server is closed before it says so of the last connection.
    if (this.sockets.size > 0) await new Promise<void>((resolve) => this.onEmpty.push(resolve));
  }

  /** Closes what is still open, at once. */
  destroyConnections(): void {
    this.dropHandshakes();
    for (const socket of this.sockets.keys()) socket.destroy();
  }

  /** What was made of each connection that stands, but for those that were given up. */
  connections(): Connection[] {
    return [...this.sockets.values()].filter((connection) => connection !== undefined);
  }

  connectionOf(socket: Socket): Connection | undefined {
    return this.sockets.get(socket);
  }

  /** To be told of a connection that stood and is closed, when nothing of it runs any more. */
  closed(socket: Socket): void {
    // With TLS, the socket underneath tells that by itself.
    if (!(this.server instanceof TlsServer)) this.listener.onGone(addressOf(socket));
    this.forget(socket);
  }

  /** A connection that stands is somebody else's from now on. */
  giveUp(socket: Socket): void {
    this.sockets.set(socket, undefined);
  }

  private plainServer(makeServer: MakeServer): Server {
    // Half-open: a client may end its output behind its request and still wait for the answer (`nc -N` does).
    return makeServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      if (this.listener.admits(addressOf(socket), socket)) this.take(socket);
    });
  }

  private tlsServer(tlsOptions: TlsOptions): Server {
    checkServerContext(tlsOptions);
    const server = makeTlsServer({
      handshakeTimeout: this.handshakeTimeoutMs || LONGEST_MS,
      ...tlsOptions,
      // Node would close such a connection without a word; who takes it here looks at `authorized`, and can say why.
      // With a pre-shared key there is no certificate to look at.
      ...(tlsOptions.pskCallback === undefined && { rejectUnauthorized: false }),
      // Not half-open before it stands: Node would wait for a client that is gone until the handshake's time is over.
      allowHalfOpen: false,
      noDelay: true,
    });
    server.on('connection', (carrier: Socket) => {
      const address = addressOf(carrier);
      // What goes wrong with it is told of the TLS socket.
      carrier.on('error', () => {});
      if (!this.listener.admits(address, carrier)) return;
      this.addresses.set(carrier, address);
      this.sockets.set(carrier, undefined);
      carrier.on('close', () => {
        this.forget(carrier);
        this.listener.onGone(address);
      });
    });
    server.on('secureConnection', (socket: TLSSocket) => {
      this.sockets.delete(underneath(socket));
      socket.allowHalfOpen = true;
      // Node leaves a TLS socket half alive behind an error that comes after the handshake, such as a late alert.
      socket.on('error', (error) => {
        socket.destroy(error);
      });
      this.take(socket);
    });
    server.on('tlsClientError', (error, socket) => {
      const carrier = underneath(socket);
      const address = this.addresses.get(carrier);
      // Not where this side dropped it; nor where a client came and went, as what only asks whether a port is open does.
      if (address !== undefined && carrier.bytesRead > 0) this.listener.onHandshakeFailed(address, carrier, error);
      // Behind a timeout of the handshake Node leaves it open.
      socket.destroy();
    });
    return server;
  }

  private take(socket: Socket): void {
    this.sockets.set(socket, this.listener.onConnection(socket));
  }

  private forget(socket: Socket): void {
    this.sockets.delete(socket);
    if (this.sockets.size === 0) for (const resolve of this.onEmpty.splice(0)) resolve();
  }

  private dropHandshakes(): void {
    for (const socket of this.sockets.keys()) {
      if (!this.addresses.has(socket)) continue;
      this.addresses.delete(socket);
      socket.destroy();
    }
  }
}

function addressOf({ remoteAddress, remotePort }: Socket): PeerAddress {
  return { remoteAddress, remotePort };
}
