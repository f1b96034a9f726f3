import type { ConnectionOptions } from 'node:tls';

import { LONGEST_MS, OptionReader } from './check.js';
import { readEndpoint, type Endpoint, type EndpointOptions } from './endpoint.js';
import { DEFAULT_MAX_FRAME_BYTES, GREATEST_MAX_FRAME_BYTES } from './limits.js';
import { PAYLOAD_KINDS, type PayloadKind } from './payload-kind.js';
import type { PacketDeserializer, PacketSerializer } from './packets.js';
import { readSessionLimits, SESSION_LIMIT_NAMES, type ResolvedSessionLimits } from './session-limits.js';
import { readTlsOptions } from './tls-options.js';

const PROTOCOLS = ['auto', 'session', 'classic'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export const CODECS = ['json', 'msgpack'] as const;
/** How a value that is neither text nor octets is encoded. */
export type Codec = (typeof CODECS)[number];

export const ACKS = ['none', 'received', 'handled'] as const;
/** When an event counts as emitted: written, handed to its handlers, or handled by all of them. */
export type EventAck = (typeof ACKS)[number];

/** A token, or what gives one; asked again for each connection. */
export type Auth = string | (() => string | Promise<string>);

export interface XtcpClientOptions extends EndpointOptions {
  /**
   * Speak TLS, as in Nest's own TCP transport: what `tls.connect` takes, of which `ca` says whom to trust, and `cert`
   * and `key` who this client is. `servername` is by default the `host`, where that is a name. Default: no TLS;
   * `minVersion` by default and at least TLSv1.2.
   */
  tlsOptions?: ConnectionOptions | undefined;
  /** Changes the packets that are sent, as in Nest's own transports: what it leaves in `data` is what is encoded. */
  serializer?: PacketSerializer | undefined;
  /** Changes the packets that arrive, as in Nest's own transports. */
  deserializer?: PacketDeserializer | undefined;
  /**
   * `'session'`: many calls at once on one connection, with streams, deadlines, cancelling and metadata. `'classic'`:
   * xtcp 0.2. `'auto'`: sessions, but classic with a server that turns out to speak nothing else. Default `'auto'`.
   */
  protocol?: Protocol | undefined;
  /**
   * How values that are neither text nor octets are encoded in a session; `'msgpack'` needs the package msgpackr, and
   * a server that has it. Default `'json'`.
   */
  codec?: Codec | undefined;
  /** Milliseconds that a call may take in all; the handler learns of it. Default 0: see `requestTimeoutMs`. */
  timeoutMs?: number | undefined;
  /**
   * When an event of a session counts as emitted: when it was written, was handed to its handlers, or was handled by
   * all of them. Default `'received'`.
   */
  ack?: EventAck | undefined;
  /** Bytes of items that a server may send ahead of the reader of one stream. Default 262144, at least 65536. */
  windowBytes?: number | undefined;
  /** Bytes that an Observable given as data may emit ahead of the handler that reads it. Default 1 MiB. */
  maxAheadBytes?: number | undefined;
  /** Milliseconds without a sign of life from the server after which it is asked for one. Default 30000, 0: never. */
  keepAliveIntervalMs?: number | undefined;
  /** Milliseconds that it then has to give one, before the connection is dropped. Default 10000. */
  keepAliveTimeoutMs?: number | undefined;
  /** Milliseconds that the server may take nothing of what waits to be sent to it. Default 30000, 0 for any time. */
  writeTimeoutMs?: number | undefined;
  /**
   * Bytes that may wait to be sent to a server that does not read. No further call is sent to it while any wait; where
   * more gather all the same, its connection is dropped. Default 64 MiB, at least 64 KiB.
   */
  maxSendBufferSize?: number | undefined;
  /**
   * The token that the client shows in its hello, or a function that gives it, asked at every connect. With it, the
   * client never speaks classic, which has no place for it. It appears in no log and in no error.
   */
  auth?: Auth | undefined;
  /**
   * Milliseconds to the first attempt to connect again where one has failed; each further one doubles them, up to
   * `maxReconnectDelayMs`, and of that a random part is waited. Default 100.
   */
  reconnectDelayMs?: number | undefined;
  /** The most milliseconds between two attempts to connect. Default 5000. */
  maxReconnectDelayMs?: number | undefined;
  /** Calls that wait at once for a connection, or for a place on one; further ones fail. Default 10000. */
  maxQueue?: number | undefined;
  /**
   * How often a call is made again by itself, at most, where it certainly did not run or is marked idempotent.
   * Default 4, 0 for never.
   */
  retries?: number | undefined;
  /**
   * Calls made again, as a share of all calls, 0 to 1, so that a server in trouble is not given more of it. Beside
   * that, 100 may be made at once and 10 in a second. Default 0.2.
   */
  retryShare?: number | undefined;
  /**
   * Frames that carry neither call nor item which a server may send in a second, beside two for each call or item.
   * Default 1000.
   */
  maxControlFramesPerSecond?: number | undefined;
  /** Fields that one frame may have. Default 16, the least. */
  maxFields?: number | undefined;
  /** Bytes of a pattern, for a server that takes more than 1024. Default 1024, the least. */
  maxPatternBytes?: number | undefined;
  /** Bytes of the metadata of a call, as JSON, for a server that takes more than 8192. Default 8192, the least. */
  maxMetadataBytes?: number | undefined;
  /** Keys of the metadata of a call, for a server that takes more than 64. Default 64, the least. */
  maxMetadataKeys?: number | undefined;
  /** Milliseconds that `close()` leaves to the calls of a session. Default 5000; 0 fails them at once. */
  gracePeriodMs?: number | undefined;
  /** How classic answers are read. Default `'text'`, a string. */
  payload?: PayloadKind | undefined;
  /** Connections that carry calls at once; further calls wait in order. Default 10. */
  connections?: number | undefined;
  /**
   * Requests under way at once on one connection. More than 1 is for servers that keep connections open behind an
   * answer, as XtcpServer does and xtcp 0.2 does not. Default 1.
   */
  pipelining?: number | undefined;
  /** Milliseconds that opening a connection may take. Default 2000, 0 for any time. */
  connectTimeoutMs?: number | undefined;
  /** Milliseconds that a call may wait for a connection to be free. Default 5000, 0 for any time. */
  queueTimeoutMs?: number | undefined;
  /**
   * Milliseconds from a classic request being written to its answer; in a session, the `timeoutMs` of `send` and `emit`
   * where none is given. Default 30000, 0 for any time.
   */
  requestTimeoutMs?: number | undefined;
  /** The most bytes that an answer may have. Default 16 MiB, at most 256 MiB. */
  maxFrameBytes?: number | undefined;
  /**
   * Whether the application's start waits for a connection, and fails where none can be had; for clients that are
   * providers, as ClientsModule makes them. Default false: the first call connects.
   */
  connectOnStart?: boolean | undefined;
}

/** Options with nothing left open. */
export interface ResolvedClientOptions extends ResolvedSessionLimits {
  readonly tlsOptions: ConnectionOptions | undefined;
  readonly serializer: PacketSerializer | undefined;
  readonly deserializer: PacketDeserializer | undefined;
  readonly endpoint: Endpoint;
  readonly payload: PayloadKind;
  readonly connections: number;
  readonly pipelining: number;
  readonly connectTimeoutMs: number;
  readonly queueTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly maxFrameBytes: number;
  readonly connectOnStart: boolean;
  readonly protocol: Protocol;
  readonly codec: Codec;
  readonly timeoutMs: number;
  readonly ack: EventAck;
  readonly gracePeriodMs: number;
  readonly auth: Auth | undefined;
  readonly reconnectDelayMs: number;
  readonly maxReconnectDelayMs: number;
  readonly maxQueue: number;
  readonly retries: number;
  readonly retryShare: number;
}

/** @throws {XtcpError} INVALID_ARGUMENT, naming the option that is wrong, what it is and what it takes. */
export function resolveClientOptions(options: XtcpClientOptions): ResolvedClientOptions {
  const read = new OptionReader<XtcpClientOptions>('XtcpClient', options, [
    'host',
    'port',
    'path',
    'payload',
    'serializer',
    'deserializer',
    'connections',
    'pipelining',
    'connectTimeoutMs',
    'queueTimeoutMs',
    'requestTimeoutMs',
    'maxFrameBytes',
    'connectOnStart',
    'protocol',
    'codec',
    'timeoutMs',
    'ack',
    'gracePeriodMs',
    'auth',
    'reconnectDelayMs',
    'maxReconnectDelayMs',
    'maxQueue',
    'retries',
    'retryShare',
    ...SESSION_LIMIT_NAMES,
    'tlsOptions',
  ]);
  const auth = read.functionOr('auth', 'string');
  const protocol = read.oneOf('protocol', 'auto', PROTOCOLS);
  if (protocol === 'classic') read.notBoth('auth', 'protocol');
  return {
    endpoint: readEndpoint(read, 1),
    tlsOptions: readTlsOptions('XtcpClient', read),
    serializer: read.method('serializer', 'serialize'),
    deserializer: read.method('deserializer', 'deserialize'),
    payload: read.oneOf('payload', 'text', PAYLOAD_KINDS),
    connections: read.integer('connections', 10, 1, 65_535),
    pipelining: read.integer('pipelining', 1, 1, 65_535),
    connectTimeoutMs: read.milliseconds('connectTimeoutMs', 2000),
    queueTimeoutMs: read.milliseconds('queueTimeoutMs', 5000),
    requestTimeoutMs: read.milliseconds('requestTimeoutMs', 30_000),
    maxFrameBytes: read.integer('maxFrameBytes', DEFAULT_MAX_FRAME_BYTES, 1, GREATEST_MAX_FRAME_BYTES),
    connectOnStart: read.flag('connectOnStart', false),
    // xtcp 0.2 has no place for the token, so that a client with one stays away from it.
    protocol: auth === undefined ? protocol : 'session',
    auth,
    reconnectDelayMs: read.integer('reconnectDelayMs', 100, 1, LONGEST_MS),
    maxReconnectDelayMs: read.integer('maxReconnectDelayMs', 5000, 1, LONGEST_MS),
    maxQueue: read.integer('maxQueue', 10_000, 1, 10_000_000),
    retries: read.integer('retries', 4, 0, 100),
    retryShare: read.number('retryShare', 0.2, 0, 1),
    codec: read.oneOf('codec', 'json', CODECS),
    timeoutMs: read.milliseconds('timeoutMs', 0),
    ack: read.oneOf('ack', 'received', ACKS),
    gracePeriodMs: read.milliseconds('gracePeriodMs', 5000),
    ...readSessionLimits(read),
  };
}
