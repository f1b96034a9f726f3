import { systemClock, type Cancel } from '../clock/clock.js';
import { Deadlines } from '../clock/deadlines.js';
import { XtcpError } from '../errors/xtcp-error.js';
import { CHANNELS } from '../observe/channels.js';
import { tellClientConnection } from '../observe/connections.js';
import type { ResolvedClientOptions } from '../options/client-options.js';
import { formatEndpoint } from '../options/endpoint.js';
import type { Dial } from '../pool/connection.js';
import { EndpointPool } from '../pool/endpoint-pool.js';
import type { PoolListener } from '../pool/pool.js';
import { LEAST } from '../session/hello.js';
import type { PingObserver } from '../session/pings.js';
import { MSGPACK_LETTER } from '../wire/codec.js';
import { findMsgpack, requireMsgpack } from '../wire/msgpack.js';
import { makeCall, type Caller, type CallObserver, type CallRequest } from './call.js';
import { Retries } from './retries.js';

/** Makes calls to one endpoint, over connections that it opens as they are needed. Knows nothing of Nest. */
export class EndpointCaller implements Caller {
  readonly endpoint: string;
  readonly pool: EndpointPool;
  readonly clock = systemClock;
  readonly deadlines = new Deadlines(systemClock);
  readonly retries: Retries;
  readonly limits: ResolvedClientOptions;

  /**
   * @param listener is told of errors that name the endpoint
   * @param mayPack whether calls may be made in MessagePack though the options do not say so; loading msgpackr, where
   * it is installed, takes some milliseconds
   * @throws {XtcpError} INVALID_ARGUMENT where the codec is MessagePack, and there is no msgpackr
   */
  constructor(options: ResolvedClientOptions, dial: Dial, listener: PoolListener, mayPack = true) {
    this.limits = options;
    this.endpoint = formatEndpoint(options.endpoint);
    const optional = mayPack ? findMsgpack() : undefined;
    const msgpack = options.codec === 'msgpack' ? requireMsgpack('the codec "msgpack"') : optional;
    const hello = {
      maxFrame: Math.max(options.maxFrameBytes, LEAST.maxFrame),
      window: options.windowBytes,
      maxCalls: LEAST.maxCalls,
      codecs: msgpack === undefined ? [] : [MSGPACK_LETTER],
    };
    // What a server may leave unfinished in the middle of a frame is bounded by the keepalive.
    const limits = { ...options, incompleteMessageTimeout: 0 };
    this.pool = new EndpointPool(options.protocol, dial, hello, options.auth, limits, systemClock, msgpack, {
      ...listener,
      onLost: (error) => {
        const lost = error.at(this.endpoint);
        tellClientConnection(CHANNELS.clientConnectionLost, this.endpoint, lost);
        listener.onLost(lost);
      },
    });
    this.retries = new Retries(options, systemClock);
  }

  /** As {@link makeCall}. */
  call(request: CallRequest, observer: CallObserver): Cancel {
    return makeCall(this, request, observer);
  }

  /**
   * Asks the server for a sign of life, over a connection that is opened where there is none: the round trip without
   * any handler. While one is on its way, the next waits.
   * @returns what to call when nobody waits for it any more
   */
  ping(observer: PingObserver): Cancel {
    return this.pool.ping({
      onPong: () => {
        observer.onPong();
      },
      onError: (error) => {
        observer.onError(error.at(this.endpoint));
      },
    });
  }

  /**
   * Resolves when there is a connection.
   * @throws {XtcpError} UNAVAILABLE where none can be opened
   */
  async connect(): Promise<void> {
    try {
      await this.pool.connect();
    } catch (error) {
      throw error instanceof XtcpError ? error.at(this.endpoint) : error;
    }
  }

  /** Closes all connections, in order; see `XtcpClient.close`. */
  async close(): Promise<void> {
    const reason = new XtcpError('CANCELLED', 'the client was closed');
    // What is turned away or lost while it closes is not made again, either.
    this.retries.close(reason);
    try {
      await this.pool.close(reason);
    } finally {
      this.retries.reopen();
    }
  }
}
