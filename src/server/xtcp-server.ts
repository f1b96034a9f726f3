import { createServer, type Server as NetServer, type Socket } from 'node:net';
import type { TlsOptions, TLSSocket } from 'node:tls';

import { Logger } from '@nestjs/common';
import { Server, type CustomTransportStrategy, type MessageHandler, type Transport } from '@nestjs/microservices';
import type { Observable } from 'rxjs';

import { systemClock } from '../clock/clock.js';
import { Deadlines } from '../clock/deadlines.js';
import { formatErrorAnswer } from '../classic/error-answer.js';
import { keepCurrentCall } from '../async/current-call.js';
import { refuseTls } from '../errors/refusals.js';
import { XtcpError } from '../errors/xtcp-error.js';
import { CHANNELS } from '../observe/channels.js';
import { tellServerConnection } from '../observe/connections.js';
import { resolveServerOptions, type ResolvedServerOptions, type XtcpServerOptions } from '../options/server-options.js';
import { formatEndpoint } from '../options/endpoint.js';
import { checkReplaceable, checkTlsOptions, mergeTlsOptions } from '../options/tls-options.js';
import { Acceptor, type MakeServer, type PeerAddress } from '../socket/acceptor.js';
import { FirstByteStream, type OtherSpeakers } from '../socket/first-byte-stream.js';
import type { SocketStreamOptions } from '../socket/socket-stream.js';
import { LEAST } from '../session/hello.js';
import { MSGPACK_LETTER } from '../wire/codec.js';
import { encodeFrame } from '../wire/encoder.js';
import { findMsgpack } from '../wire/msgpack.js';
import { RepeatedLines } from '../log/repeated-lines.js';
import { identify } from './identify.js';
import { ConnectionPlaces } from './connection-places.js';
import { ServerConnection, type ConnectionHost } from './connection.js';
import { Dispatcher } from './dispatcher.js';
import { answerHealth, HEALTH_PATTERN, ServerHealth } from './health.js';
import { probePages } from './probe-pages.js';
import { Probes } from './probes.js';
import { Router } from './router.js';
import { Reflection, type DescribePayload } from './reflection.js';
import { complaintOf, refusalOf, tellWithoutTls } from './tls-peer.js';
import type { ProcessingHooks } from './work.js';
import { XTCP } from './transport-id.js';

/** `connected`: the server listens. `disconnected`: it could not, or has stopped. */
export type XtcpServerStatus = 'connected' | 'disconnected';

/** What {@link XtcpServer.on} takes: the events of `net.Server` or, with `tlsOptions`, of `tls.Server`. */
export type XtcpServerEvents = {
  listening: () => void;
  /** With TLS, a connection whose handshake is still to come. */
  connection: (socket: Socket) => void;
  secureConnection: (socket: TLSSocket) => void;
  error: (error: Error) => void;
  close: () => void;
};

/** Milliseconds that the last words of a server take to be said, behind the grace period. */
const LAST_WORDS_MS = 1000;

/**
 * The serving side of xtcp for Nest:
 *
 *     NestFactory.createMicroservice(AppModule, { strategy: new XtcpServer({ port: 8001 }) })
 */
export class XtcpServer extends Server<XtcpServerEvents, XtcpServerStatus> implements CustomTransportStrategy {
  override transportId: Transport | symbol = XTCP;
  /** How the server is, for the application to say; what `xtcp.health` answers. */
  readonly health = new ServerHealth();
  protected override readonly logger = new Logger(XtcpServer.name);
  private readonly options: ResolvedServerOptions;
  private readonly router = new Router((pattern) => this.normalizePattern(pattern as Record<string, string>));
  private readonly reflection: Reflection | undefined;
  private readonly dispatcher: Dispatcher;
  private readonly acceptor: Acceptor<ServerConnection>;
  private readonly host: ConnectionHost;
  private readonly places: ConnectionPlaces;
  /** Undefined where HTTP is not answered. */
  private readonly probes: Probes | undefined;
  private readonly streamOptions: SocketStreamOptions;
  private readonly otherSpeakers: OtherSpeakers;
  private readonly complaints = new RepeatedLines(systemClock, (line) => {
    this.logger.warn(line);
  });
  private tlsOptions: TlsOptions | undefined;
  /** Resolves when the acceptor, told to close, has no connection left. */
  private closed: Promise<void> = Promise.resolve();
  private draining: Promise<void> | undefined;
  private closing: Promise<void> | undefined;

  /** @throws {XtcpError} INVALID_ARGUMENT where an option is wrong. */
  constructor(options: XtcpServerOptions = {}) {
    super();
    this.options = resolveServerOptions(options);
    if (this.options.inherit) keepCurrentCall();
    // A server that has all that it can do is no less well: an orchestrator that took it away would only load the others.
    this.router.reserve(HEALTH_PATTERN, (data) => answerHealth(this.health, data), true);
    this.dispatcher = new Dispatcher(
      this.router,
      this.options.payload,
      this.options.maxServerCalls,
      this.options.maxPatternBytes,
      this.hooks(),
      systemClock,
      this.options.inherit,
      this.options,
      this.logger,
    );
    this.host = this.hostOf();
    this.places = new ConnectionPlaces(this.options);
    this.probes = this.probesOf();
    this.tlsOptions = this.options.tlsOptions;
    this.streamOptions = {
      maxSendBufferSize: this.options.maxSendBufferSize,
      writeTimeoutMs: this.options.writeTimeoutMs,
      onClosed: (socket) => {
        this.acceptor.closed(socket);
      },
    };
    this.otherSpeakers = this.otherSpeakersOf();
    if (this.options.reflection) this.reflection = new Reflection(this.router);
    this.acceptor = new Acceptor(
      {
        admits: (address, carrier) => this.admits(address, carrier),
        onGone: (address) => {
          this.places.free(address.remoteAddress);
          tellServerConnection(CHANNELS.serverConnectionClose, address);
        },
        onConnection: (socket) => this.accept(socket),
        onHandshakeFailed: (address, carrier, error) => {
          this.complain(address, complaintOf(error));
          tellWithoutTls(carrier, error);
        },
      },
      this.options.handshakeTimeoutMs,
      this.tlsOptions,
      (...args) => this.makeNetServer(...args),
    );
    this.acceptor.server.on('listening', () => {
      // It may have been told to drain while it was about to listen.
      if (this.draining === undefined) this.health.opened();
      this._status$.next('connected');
    });
    this.acceptor.server.on('close', () => {
      this._status$.next('disconnected');
    });
  }

  override get status(): Observable<XtcpServerStatus> {
    return super.status;
  }

  /**
   * Starts to listen; Nest calls it for `app.listen()`.
   * @param callback gets Node's error (EADDRINUSE, EACCES, …), or undefined and the address, which `app.listen()`
   * rejects with or resolves to
   */
  override listen(callback: (...args: unknown[]) => unknown): void {
    const { server } = this.acceptor;
    const onListening = (): void => {
      server.off('error', onError);
      server.on('error', this.logError);
      callback(undefined, server.address());
    };
    const onError = (error: Error): void => {
      server.off('listening', onListening);
      this._status$.next('disconnected');
      callback(error);
    };
    this.closing = undefined;
    this.draining = undefined;
    server.off('error', this.logError);
    server.once('listening', onListening);
    server.once('error', onError);
    try {
      this.acceptor.listen(this.options.endpoint);
    } catch (error) {
      server.off('error', onError);
      server.off('listening', onListening);
      callback(error);
    }
  }

  /**
   * Prepares for the end: accepts no connection any more, or, with `probes`, turns away whoever still comes, and asks those
   * that are open to go elsewhere, while every call that still comes on them is served. Resolves when the last one has gone
   * and no handler runs any more, at the latest after `gracePeriodMs`, which is the option's where nothing is given.
   * {@link close} does this by itself; alone it is for what has to happen in between, before the application lets go of
   * what its handlers need.
   */
  drain(gracePeriodMs = this.options.gracePeriodMs): Promise<void> {
    this.health.drains();
    this.draining ??= this.letGo(gracePeriodMs);
    return this.draining;
  }

  /**
   * Stops: drains, then closes what is left. Resolves when nothing is open. May be called again, and with the signal's
   * name.
   */
  override close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  override on<Event extends keyof XtcpServerEvents>(event: Event, callback: XtcpServerEvents[Event]): void {
    this.acceptor.server.on(event, callback);
  }

  /**
   * Replaces certificates, keys, authorities and the like while the server runs: new connections meet the new ones,
   * those that stand go on. What `tlsOptions` leave out stays, but for what belongs to a key or certificate replaced.
   * @throws {XtcpError} INVALID_ARGUMENT where they are wrong, or the server was made without `tlsOptions`; nothing
   * has changed then
   */
  replaceTlsOptions(tlsOptions: TlsOptions): void {
    if (this.tlsOptions === undefined) {
      throw new XtcpError(
        'INVALID_ARGUMENT',
        'XtcpServer: there are no TLS options to replace, since it does not speak TLS',
      );
    }
    const given = checkTlsOptions('XtcpServer', tlsOptions);
    checkReplaceable('XtcpServer', this.tlsOptions, given);
    const merged = checkTlsOptions('XtcpServer', mergeTlsOptions(this.tlsOptions, given));
    this.acceptor.replaceTlsOptions(merged);
    this.tlsOptions = merged;
  }

  /** The `net.Server`; with `tlsOptions`, the `tls.Server`. */
  override unwrap<T = NetServer>(): T {
    return this.acceptor.server as T;
  }

  /**
   * For Nest: registers a handler. Unlike `Server.addHandler`, which chains handlers of events behind whatever has
   * their pattern, calls and events of one pattern have places of their own.
   */
  override addHandler(
    pattern: unknown,
    handler: MessageHandler,
    isEventHandler = false,
    extras: Record<string, unknown> = {},
  ): void {
    const route = this.normalizePattern(pattern as string);
    handler.isEventHandler = isEventHandler;
    handler.extras = extras;
    this.router.add(route, handler);
    if (!isEventHandler || !this.messageHandlers.has(route)) this.messageHandlers.set(route, handler);
  }

  /**
   * Has `describe` tell of the payloads of handlers, where the strategy sees none of their parameters, to whoever asks for
   * `xtcp.patterns`. XtcpModule does this by itself. With `reflection: false` nobody can ask.
   */
  describePayloads(describe: DescribePayload): void {
    if (this.reflection !== undefined) this.reflection.describe = describe;
  }

  /** The handler of calls for a pattern, else its first handler of events. */
  override getHandlerByPattern(pattern: string): MessageHandler | null {
    const route = this.router.find(pattern);
    return route?.call ?? route?.events[0] ?? null;
  }

  /** Makes what listens, without TLS, while this is constructed; for what joins client and server in another way. @internal */
  protected makeNetServer(...[options, onConnection]: Parameters<MakeServer>): NetServer {
    return createServer(options, onConnection);
  }

  private readonly logError = (error: Error): void => {
    this.logger.error(error);
  };

  /** The application's processing hooks, as they are whenever a call comes. */
  private hooks(): ProcessingHooks {
    // What `super()` left is Nest's default, which only calls on; an end hook there is none by default.
    const defaultStartHook = this.onProcessingStartHook;
    const isDefault = (): boolean =>
      this.onProcessingStartHook === defaultStartHook && this.onProcessingEndHook === undefined;
    return {
      get areSet(): boolean {
        return !isDefault();
      },
      around: (context, run) => this.runWithProcessingHooks(context, run),
    };
  }

  /** Gives a connection that has come its place; turns it away where there is none. */
  private admits(address: PeerAddress, carrier: Socket): boolean {
    const { remoteAddress } = address;
    const refusal = this.places.take(remoteAddress);
    if (refusal === undefined) {
      tellServerConnection(CHANNELS.serverConnectionOpen, address);
      return true;
    }
    tellServerConnection(CHANNELS.serverConnectionRefuse, address, refusal.message);
    this.complain(address, refusal.message);
    carrier.on('error', () => {});
    // Either protocol's client takes one classic line for the reason; where it expects TLS, there is no way to say it.
    if (this.tlsOptions === undefined) carrier.end(encodeFrame([formatErrorAnswer(refusal)]).pieces.join(''));
    carrier.destroySoon();
    return false;
  }

  private accept(socket: Socket): ServerConnection {
    const stream = new FirstByteStream(socket, this.streamOptions, this.otherSpeakers);
    const connection = new ServerConnection(stream, socket, this.host);
    const refusal = refusalOf(socket, this.tlsOptions);
    if (refusal !== undefined) connection.refuse(refusal, 'classic');
    return connection;
  }

  /** Who takes a connection that does not speak frames. */
  private otherSpeakersOf(): OtherSpeakers {
    const { probes } = this;
    return {
      tls:
        this.tlsOptions === undefined
          ? ({ socket }) => {
              this.acceptor.connectionOf(socket)?.refuse(refuseTls(), 'classic');
            }
          : undefined,
      http:
        probes === undefined
          ? undefined
          : (stream, piece) => {
              if (this.acceptor.connectionOf(stream.socket)?.giveUp() !== true) return;
              this.acceptor.giveUp(stream.socket);
              probes.serve(stream.handOver(piece));
            },
    };
  }

  /** What connections have of this server. */
  private hostOf(): ConnectionHost {
    const { options, dispatcher } = this;
    const { authenticate, maxFields, incompleteMessageTimeout } = options;
    const msgpack = findMsgpack();
    const isDraining = (): boolean => this.draining !== undefined;
    const deadlines = new Deadlines(systemClock);
    const own = {
      maxFrame: Math.max(options.maxFrameBytes, LEAST.maxFrame),
      window: options.windowBytes,
      maxCalls: Math.max(options.maxCalls, LEAST.maxCalls),
      codecs: msgpack === undefined ? [] : [MSGPACK_LETTER],
    };
    return {
      options,
      clock: systemClock,
      deadlines,
      sessions: {
        hello: own,
        limits: options,
        clock: systemClock,
        deadlines,
        callDeadlines: new Deadlines(systemClock),
        msgpack,
      },
      sessionFrames: { maxFrameBytes: own.maxFrame, maxFields, incompleteMessageTimeout },
      serveRequest: (peer, request, answer) => dispatcher.serveRequest(peer, request, answer),
      serveCall: (peer, call) => {
        dispatcher.serveCall(peer, call);
      },
      identify:
        authenticate === undefined
          ? undefined
          : ({ remoteAddress, socket }, hello) => identify(authenticate, hello, { remoteAddress, socket }),
      get isDraining(): boolean {
        return isDraining();
      },
      onBroken: (peer, error) => {
        tellServerConnection(CHANNELS.serverConnectionBreak, peer, error.message);
        this.complain(peer, error.message);
      },
    };
  }

  private probesOf(): Probes | undefined {
    const { probes, handshakeTimeoutMs } = this.options;
    if (probes === undefined) return undefined;
    const pages = probePages(probes, this.health, this.logger);
    return new Probes(pages, handshakeTimeoutMs, systemClock);
  }

  /** Every connection that is closed for what its client did goes through here into the log. */
  private complain({ remoteAddress, remotePort }: PeerAddress, message: string): void {
    const client =
      remoteAddress === undefined ? 'a client' : formatEndpoint({ host: remoteAddress, port: remotePort ?? 0 });
    this.complaints.tell(remoteAddress ?? client, `Closing the connection of ${client}: ${message}`);
  }

  private async letGo(gracePeriodMs: number): Promise<void> {
    if (this.probes === undefined) this.stopListening();
    // What has not begun to speak may be a probe, which is to be told, not cut off.
    const leaving = this.acceptor.connections().filter(({ isOpening }) => !isOpening);
    const left = Promise.all(leaving.map(({ socket }) => untilClosed(socket)));
    for (const connection of leaving) connection.drain();
    const gone = this.probes === undefined ? this.closed : left;
    await within(gracePeriodMs, Promise.all([gone, this.dispatcher.idle()]));
    if (this.probes !== undefined) this.stopListening();
  }

  private stopListening(): void {
    this.closed = this.acceptor.close();
    for (const connection of this.acceptor.connections()) if (connection.isOpening) connection.drain();
    this.probes?.dropAsking();
  }

  private async shutDown(): Promise<void> {
    await this.drain();
    for (const connection of this.acceptor.connections()) connection.cut();
    // What was said last is on its way; who does not take it in time is not waited for.
    await within(LAST_WORDS_MS, this.closed);
    this.acceptor.destroyConnections();
    await this.closed;
    this.complaints.flush();
  }
}

async function untilClosed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.once('close', () => {
      resolve();
    });
  });
}

/** Waits for `done`, but no longer than `ms` milliseconds. */
async function within(ms: number, done: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, over]);
  clearTimeout(timer);
}
