import { AsyncResource } from 'node:async_hooks';
import { connect as connectSocket, type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';

import type { Cancel, Clock } from '../clock/clock.js';
import { meetTls } from '../errors/refusals.js';
import { XtcpError } from '../errors/xtcp-error.js';
import { CHANNELS } from '../observe/channels.js';
import { tellClientConnection } from '../observe/connections.js';
import { formatEndpoint, type Endpoint } from '../options/endpoint.js';
import { checkTlsOptions, mergeTlsOptions } from '../options/tls-options.js';
import { dial, type Connect } from './dial.js';
import { FirstByteStream, type OtherSpeakers } from './first-byte-stream.js';
import { SocketStream, type SocketStreamLimits } from './socket-stream.js';
import { withSecureContext } from './tls-context.js';

export interface DialLimits extends SocketStreamLimits {
  readonly endpoint: Endpoint;
  readonly tlsOptions: ConnectionOptions | undefined;
  readonly connectTimeoutMs: number;
}

/** A server that speaks TLS to a client that does not. */
const OTHER_SPEAKERS: OtherSpeakers = {
  tls: ({ socket }) => {
    socket.destroy(meetTls());
  },
};

/** Opens connections to one endpoint, and knows those that are open. */
export class Dialler {
  private readonly open = new Set<Socket>();
  private readonly name: string;
  private tlsOptions: ConnectionOptions | undefined;
  /** Connections outlive the call that they were opened for: nothing that happens on them is to run in its context. */
  private readonly outside = new AsyncResource('XtcpDialler');

  /** @throws {XtcpError} INVALID_ARGUMENT where `tlsOptions` are wrong */
  constructor(
    private readonly limits: DialLimits,
    private readonly clock: Clock,
    private readonly connect: Connect = connectSocket,
  ) {
    const { endpoint, tlsOptions } = limits;
    this.name = formatEndpoint(endpoint);
    if (tlsOptions !== undefined) this.tlsOptions = withSecureContext(tlsOptions);
  }

  /** The sockets that are open now. */
  get sockets(): Socket[] {
    return [...this.open];
  }

  dial(onOpen: (bytes: SocketStream) => void, onFailed: (error: XtcpError) => void): Cancel {
    const { tlsOptions } = this;
    const { endpoint, connectTimeoutMs } = this.limits;
    const onConnected = (socket: Socket): void => {
      this.open.add(socket);
      tellClientConnection(CHANNELS.clientConnectionOpen, this.name);
      socket.once('close', () => {
        this.open.delete(socket);
        tellClientConnection(CHANNELS.clientConnectionClose, this.name);
      });
      onOpen(
        tlsOptions === undefined
          ? new FirstByteStream(socket, this.limits, OTHER_SPEAKERS)
          : new SocketStream(socket, this.limits),
      );
    };
    return this.outside.runInAsyncScope(() =>
      dial(endpoint, connectTimeoutMs, this.clock, { onConnected, onFailed }, tlsOptions, this.connect),
    );
  }

  /**
   * The next connection uses these; those that stand go on.
   * @throws {XtcpError} INVALID_ARGUMENT where they are wrong, or there were none; nothing has changed then
   */
  replaceTlsOptions(tlsOptions: ConnectionOptions): void {
    if (this.tlsOptions === undefined) {
      throw new XtcpError(
        'INVALID_ARGUMENT',
        'XtcpClient: there are no TLS options to replace, since it does not speak TLS',
      );
    }
    const { secureContext: _, ...current } = this.tlsOptions;
    const merged = mergeTlsOptions<ConnectionOptions>(current, checkTlsOptions('XtcpClient', tlsOptions));
    this.tlsOptions = withSecureContext(checkTlsOptions('XtcpClient', merged));
  }
}
