import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

import type { OnApplicationBootstrap } from '@nestjs/common';
import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import { connectable, defer, Observable, Subject } from 'rxjs';

import { encodePayload } from '../classic/payload.js';
import { systemClock, type Cancel } from '../clock/clock.js';
import { XtcpError } from '../errors/xtcp-error.js';
import { resolveClientOptions, type ResolvedClientOptions, type XtcpClientOptions } from '../options/client-options.js';
import { formatEndpoint } from '../options/endpoint.js';
import { Pool } from '../pool/pool.js';
import { dial } from '../socket/dial.js';
import { SocketStream } from '../socket/socket-stream.js';
import type { Field } from '../wire/encoder.js';

/**
 * `connected`: the server is there, as far as the latest that was seen of it tells. `disconnected`: it could not be
 * reached, all connections to it were lost, or the client was closed.
 */
export type XtcpClientStatus = 'connected' | 'disconnected';

/** What {@link XtcpClient.on} takes. */
export type XtcpClientEvents = {
  /** A connection was opened. */
  connect: () => void;
  /** A connection was closed, by whichever side. */
  close: () => void;
  /** A connection could not be opened, or was lost while calls were on it. The calls are told, too. */
  error: (error: XtcpError) => void;
};

/**
 * The calling side of xtcp for Nest: the `customClass` of `ClientsModule`, `ClientProxyFactory` and `@Client`. Keeps a
 * pool of connections to one server, opened as calls need them.
 */
export class XtcpClient extends ClientProxy<XtcpClientEvents> implements OnApplicationBootstrap {
  private readonly options: ResolvedClientOptions;
  private readonly endpoint: string;
  private readonly pool: Pool;
  private readonly events = new EventEmitter();
  private readonly sockets = new Set<Socket>();

  /** @throws {XtcpError} INVALID_ARGUMENT where an option is wrong. */
  constructor(options: XtcpClientOptions = {}) {
    super();
    this.options = resolveClientOptions(options);
    this.endpoint = formatEndpoint(this.options.endpoint);
    this.pool = new Pool((onOpen, onFailed) => this.dial(onOpen, onFailed), this.options, systemClock, {
      onConnect: () => {
        this.events.emit('connect');
      },
      onLost: (error) => {
        // An EventEmitter throws an 'error' that nobody listens to; here the calls are told in any case.
        if (this.events.listenerCount('error') > 0) this.events.emit('error', error.at(this.endpoint));
      },
      onClose: () => {
        this.events.emit('close');
      },
      onStatus: (status) => {
        this._status$.next(status);
      },
    });
  }

  override get status(): Observable<XtcpClientStatus> {
    return super.status as Observable<XtcpClientStatus>;
  }

  /**
   * Resolves when there is a connection. Not needed before a call, which connects by itself.
   * @throws {XtcpError} UNAVAILABLE where none can be opened.
   */
  override async connect(): Promise<void> {
    try {
      await this.pool.connect();
    } catch (error) {
      throw error instanceof XtcpError ? error.at(this.endpoint) : error;
    }
  }

  /**
   * Closes all connections; calls under way fail with CANCELLED. Resolves when the last connection is closed. A later
   * call or `connect()` opens connections again, as Nest's clients do.
   */
  override async close(): Promise<void> {
    await this.pool.close(new XtcpError('CANCELLED', 'the client was closed'));
  }

  /** For Nest: see the option `connectOnStart`. */
  async onApplicationBootstrap(): Promise<void> {
    if (this.options.connectOnStart) await this.connect();
  }

  override on<Event extends keyof XtcpClientEvents>(event: Event, callback: XtcpClientEvents[Event]): void {
    this.events.on(event, callback);
  }

  /**
   * The sockets that are open now, by default a `net.Socket[]`.
   * @throws {Error} where none is.
   */
  override unwrap<T = Socket[]>(): T {
    if (this.sockets.size === 0) {
      throw new Error('Not initialized. Please call the "connect" method first.');
    }
    return [...this.sockets] as T;
  }

  /**
   * Calls `pattern` on the server. Cold: each subscription is a call of its own, and unsubscribing ends it.
   * @returns one value: what the handler answered. Fails with an {@link XtcpError}, or with what the handler's
   * exception filter made of its error; with Nest's InvalidMessageException where pattern or data is null or undefined.
   */
  override send<TResult = unknown, TInput = unknown>(pattern: unknown, data: TInput): Observable<TResult> {
    if (isNil(pattern) || isNil(data)) return super.send(pattern, data);
    // ClientProxy.send connects first; here a call waits for its connection in the pool.
    return new Observable<TResult>((observer) =>
      this.publish(this.createPacket(pattern, data), this.createObserver(observer)),
    );
  }

  /**
   * Tells the server of an event. Hot: it is sent whether or not anybody subscribes, and once.
   * @returns one undefined when the server has answered, which over classic is when all handlers have ended.
   */
  override emit<TResult = unknown, TInput = unknown>(pattern: unknown, data: TInput): Observable<TResult> {
    if (isNil(pattern) || isNil(data)) return super.emit(pattern, data);
    const event = connectable(
      defer(() => this.dispatchEvent<TResult>(this.createPacket(pattern, data))),
      { connector: () => new Subject<TResult>(), resetOnDisconnect: false },
    );
    event.connect();
    return event;
  }

  protected override publish(packet: ReadPacket, callback: (packet: WritePacket) => void): Cancel {
    return this.call(
      packet,
      (response) => {
        callback({ response, isDisposed: true });
      },
      (err) => {
        callback({ err });
      },
    );
  }

  protected override dispatchEvent<T = unknown>(packet: ReadPacket): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.call(
        packet,
        () => {
          resolve(undefined as T);
        },
        reject,
      );
    });
  }

  private call(packet: ReadPacket, onAnswer: (value: unknown) => void, onError: (error: unknown) => void): Cancel {
    let method = '';
    let params: Field;
    try {
      method = this.methodOf(packet.pattern);
      params = encodePayload(packet.data);
    } catch (error) {
      onError(error instanceof XtcpError ? error.ofCall(method, this.endpoint) : error);
      return () => {};
    }
    return this.pool.call({
      method,
      params,
      payload: this.options.payload,
      onAnswer,
      onError: (error) => {
        onError(errorOfCall(error, method, this.endpoint));
      },
    });
  }

  /** A pattern in Nest's normal form. @throws {XtcpError} INVALID_ARGUMENT where it has none. */
  private methodOf(pattern: unknown): string {
    let method: unknown;
    try {
      method = this.normalizePattern(pattern as string);
    } catch (error) {
      throw new XtcpError('INVALID_ARGUMENT', 'the pattern has no normal form', { cause: error });
    }
    if (typeof method === 'string') return method;
    throw new XtcpError('INVALID_ARGUMENT', `a pattern is a string, a number or an object, not a ${typeof pattern}`);
  }

  private dial(onOpen: (bytes: SocketStream) => void, onFailed: (error: XtcpError) => void): Cancel {
    return dial(this.options.endpoint, this.options.connectTimeoutMs, systemClock, {
      onConnected: (socket) => {
        this.sockets.add(socket);
        socket.once('close', () => {
          this.sockets.delete(socket);
        });
        onOpen(new SocketStream(socket));
      },
      onFailed,
    });
  }
}

/**
 * An error as the caller gets it: what a Nest handler's filter produced as it is, as Nest's own transports hand it
 * over; everything else, and what ClientProxy would take for no error, as an XtcpError that names its call.
 */
function errorOfCall(error: XtcpError, pattern: string, endpoint: string): unknown {
  return (error.code === 'APPLICATION' && error.details) || error.ofCall(pattern, endpoint);
}

function isNil(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}
