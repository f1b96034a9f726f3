import type { TlsOptions } from 'node:tls';

import { OptionReader } from './check.js';
import { readEndpoint, type Endpoint, type EndpointOptions } from './endpoint.js';
import { DEFAULT_MAX_FRAME_BYTES, GREATEST_MAX_FRAME_BYTES } from './limits.js';
import { readProbes, type ProbesOptions, type ResolvedProbes } from './probes.js';
import type { PacketDeserializer, PacketSerializer } from './packets.js';
import { readSessionLimits, SESSION_LIMIT_NAMES, type ResolvedSessionLimits } from './session-limits.js';
import type { Authenticate } from './authenticate.js';
import { PAYLOAD_KINDS, type PayloadKind } from './payload-kind.js';
import { readTlsOptions } from './tls-options.js';

export interface XtcpServerOptions extends EndpointOptions {
  /**
   * Speak TLS, as in Nest's own TCP transport: what `tls.createServer` takes, of which `cert` and `key` say who this
   * server is; with `requestCert`, clients need a certificate of one of the authorities in `ca`, unless
   * `rejectUnauthorized` is false. Default: no TLS; `minVersion` by default and at least TLSv1.2.
   */
  tlsOptions?: TlsOptions | undefined;
  /** Changes the packets that are sent, as in Nest's own transports: what it leaves in `response` is what is encoded. */
  serializer?: PacketSerializer | undefined;
  /** Changes the packets that arrive, as in Nest's own transports. */
  deserializer?: PacketDeserializer | undefined;
  /**
   * The address to listen on. Default `'127.0.0.1'`, this machine only; `'0.0.0.0'` or `'::'` for other machines.
   */
  host?: string | undefined;
  /** The port to listen on, 0 to have the system pick one. Default 8001. */
  port?: number | undefined;
  /**
   * How handlers get the params of a classic request; a handler's own `{ payload }` comes before it, see
   * {@link XtcpExtras}. Default `'text'`.
   */
  payload?: PayloadKind | undefined;
  /**
   * The most bytes that one request may have, its fields together. One that is larger is refused from its length,
   * before any of it is stored, and its connection closed. Default 16 MiB, at most 256 MiB.
   */
  maxFrameBytes?: number | undefined;
  /**
   * Milliseconds that a client may be silent in the middle of a request, after which its connection is closed; each
   * byte starts them anew. Default 30000, 0 for any time.
   */
  incompleteMessageTimeout?: number | undefined;
  /**
   * Calls that run at once on one connection: in a session further ones fail with RESOURCE_EXHAUSTED, classic requests
   * wait unread. A call counts until its handler has ended, whoever waits for it. Default 100, in a session the least.
   */
  maxCalls?: number | undefined;
  /** Calls that run at once in the whole server; further ones fail with RESOURCE_EXHAUSTED. Default 10000. */
  maxServerCalls?: number | undefined;
  /** Connections that are open at once; further ones are turned away. Default 20000. */
  maxConnections?: number | undefined;
  /** Of these, connections from one IP address. Default 1000. */
  maxConnectionsPerAddress?: number | undefined;
  /**
   * Bytes that may wait to be sent to a client that does not read. Nothing more is read from it while many of them wait;
   * where more gather all the same, its connection is dropped. Default 64 MiB, at least 64 KiB.
   */
  maxSendBufferSize?: number | undefined;
  /**
   * Milliseconds that a connection has from being accepted until its first frame is there and its client is
   * authenticated. Default 10000, 0 for any time.
   */
  handshakeTimeoutMs?: number | undefined;
  /**
   * Milliseconds after which a connection that carries no call is closed; the client of a session is asked to leave
   * first, so that no call is lost. Default 600000, 0 for never.
   */
  idleTimeoutMs?: number | undefined;
  /**
   * Decides who may open a session: gets what the client says of itself and where it is, and returns whatever
   * `XtcpContext.identity` is to be, or a promise of it. Where it throws, the client gets UNAUTHENTICATED and its
   * connection is closed before any call runs. xtcp 0.2 clients, who can say nothing of themselves, are turned away.
   */
  authenticate?: Authenticate | undefined;
  /**
   * Milliseconds that a client which has ended its output, as `nc -N` does, is still answered. TCP shows a client that
   * is gone in the same way. Default 30000, 0 for any time.
   */
  halfCloseTimeoutMs?: number | undefined;
  /**
   * Whether classic clients (xtcp 0.2) are served too. With false they are told so and turned away. Default true; with
   * `authenticate` false.
   */
  classic?: boolean | undefined;
  /**
   * Bytes of items that a client may send ahead of a handler that reads them as a stream; each such stream may hold
   * that much. Default 262144, at least 65536.
   */
  windowBytes?: number | undefined;
  /**
   * Bytes that an Observable, which cannot be paused, may emit ahead of its caller. One that does more fails with
   * RESOURCE_EXHAUSTED. Default 1 MiB.
   */
  maxAheadBytes?: number | undefined;
  /**
   * Milliseconds without a sign of life from the client of a session after which it is asked for one. Default 30000,
   * 0 for never.
   */
  keepAliveIntervalMs?: number | undefined;
  /** Milliseconds that it then has to give one, before its connection is dropped. Default 10000. */
  keepAliveTimeoutMs?: number | undefined;
  /** Milliseconds that a client may take nothing of what waits to be sent to it. Default 30000, 0 for any time. */
  writeTimeoutMs?: number | undefined;
  /**
   * Frames of a session that carry neither call nor item (pings, credit, cancels, what is skipped) which a client may
   * send in a second, beside two for each call or item. One that sends more is cut off. Default 1000.
   */
  maxControlFramesPerSecond?: number | undefined;
  /** Fields that one frame may have. Default 16, the least. */
  maxFields?: number | undefined;
  /** Bytes of a pattern. Default 1024, the least. */
  maxPatternBytes?: number | undefined;
  /** Bytes of the metadata of a call, as JSON. Default 8192, the least. */
  maxMetadataBytes?: number | undefined;
  /** Keys of the metadata of a call. Default 64, the least. */
  maxMetadataKeys?: number | undefined;
  /**
   * Whether calls that a handler makes take over, by themselves, what is left of the deadline of the call that it
   * answers, and its metadata. Costs every call some microseconds on Node 20 (AsyncLocalStorage). Default false.
   */
  inherit?: boolean | undefined;
  /**
   * Whether clients may ask for the patterns that are served, what they are for and what they take, by calling
   * `xtcp.patterns`. Default true.
   */
  reflection?: boolean | undefined;
  /**
   * Milliseconds that `close()` leaves to the calls that run, before it destroys their connections. Default 10000;
   * 0 destroys them at once.
   */
  gracePeriodMs?: number | undefined;
  /**
   * Whether plain HTTP is answered on the port of the server, too: `GET` and `HEAD` of `/livez` (200 while it serves),
   * `/readyz` (503 while it drains or is not serving) and `/metrics` (Prometheus text), for whoever can reach the port.
   * While it drains it goes on listening, so that it can say so. Default false.
   */
  probes?: boolean | ProbesOptions | undefined;
}

/** Options with nothing left open. */
export interface ResolvedServerOptions extends ResolvedSessionLimits {
  readonly tlsOptions: TlsOptions | undefined;
  readonly serializer: PacketSerializer | undefined;
  readonly deserializer: PacketDeserializer | undefined;
  readonly endpoint: Endpoint;
  readonly payload: PayloadKind;
  readonly maxFrameBytes: number;
  readonly incompleteMessageTimeout: number;
  readonly maxCalls: number;
  readonly halfCloseTimeoutMs: number;
  readonly gracePeriodMs: number;
  readonly classic: boolean;
  readonly inherit: boolean;
  readonly reflection: boolean;
  readonly maxServerCalls: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly handshakeTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly authenticate: Authenticate | undefined;
  readonly probes: ResolvedProbes | undefined;
}

/** @throws {XtcpError} INVALID_ARGUMENT, naming the option that is wrong, what it is and what it takes. */
export function resolveServerOptions(options: XtcpServerOptions): ResolvedServerOptions {
  const read = new OptionReader<XtcpServerOptions>('XtcpServer', options, [
    'host',
    'port',
    'path',
    'payload',
    'serializer',
    'deserializer',
    'maxFrameBytes',
    'incompleteMessageTimeout',
    'maxCalls',
    'halfCloseTimeoutMs',
    'gracePeriodMs',
    'classic',
    'inherit',
    'reflection',
    'maxServerCalls',
    'maxConnections',
    'maxConnectionsPerAddress',
    'handshakeTimeoutMs',
    'idleTimeoutMs',
    'authenticate',
    'probes',
    ...SESSION_LIMIT_NAMES,
    'tlsOptions',
  ]);
  const authenticate = read.functionOr('authenticate');
  const classic = read.flag('classic', authenticate === undefined);
  // xtcp 0.2 has no hello, so that serving it would let everybody in.
  if (classic) read.notBoth('authenticate', 'classic');
  return {
    endpoint: readEndpoint(read, 0),
    tlsOptions: readTlsOptions('XtcpServer', read),
    serializer: read.method('serializer', 'serialize'),
    deserializer: read.method('deserializer', 'deserialize'),
    payload: read.oneOf('payload', 'text', PAYLOAD_KINDS),
    maxFrameBytes: read.integer('maxFrameBytes', DEFAULT_MAX_FRAME_BYTES, 1, GREATEST_MAX_FRAME_BYTES),
    incompleteMessageTimeout: read.milliseconds('incompleteMessageTimeout', 30_000),
    maxCalls: read.integer('maxCalls', 100, 1, 1_000_000),
    halfCloseTimeoutMs: read.milliseconds('halfCloseTimeoutMs', 30_000),
    gracePeriodMs: read.milliseconds('gracePeriodMs', 10_000),
    classic,
    inherit: read.flag('inherit', false),
    reflection: read.flag('reflection', true),
    maxServerCalls: read.integer('maxServerCalls', 10_000, 1, 10_000_000),
    maxConnections: read.integer('maxConnections', 20_000, 1, 10_000_000),
    maxConnectionsPerAddress: read.integer('maxConnectionsPerAddress', 1000, 1, 10_000_000),
    handshakeTimeoutMs: read.milliseconds('handshakeTimeoutMs', 10_000),
    idleTimeoutMs: read.milliseconds('idleTimeoutMs', 600_000),
    authenticate,
    probes: readProbes(read, authenticate !== undefined),
    ...readSessionLimits(read),
  };
}
