import { OptionReader } from './check.js';
import { readEndpoint, type Endpoint, type EndpointOptions } from './endpoint.js';
import { DEFAULT_MAX_FRAME_BYTES, GREATEST_MAX_FRAME_BYTES } from './limits.js';
import { PAYLOAD_KINDS, type PayloadKind } from './payload-kind.js';

export interface XtcpClientOptions extends EndpointOptions {
  /** How answers are read. Default `'text'`, a string. */
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
  /** Milliseconds from a request being written to its answer. Default 30000, 0 for any time. */
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
export interface ResolvedClientOptions {
  readonly endpoint: Endpoint;
  readonly payload: PayloadKind;
  readonly connections: number;
  readonly pipelining: number;
  readonly connectTimeoutMs: number;
  readonly queueTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly maxFrameBytes: number;
  readonly connectOnStart: boolean;
}

/** @throws {XtcpError} INVALID_ARGUMENT, naming the option that is wrong, what it is and what it takes. */
export function resolveClientOptions(options: XtcpClientOptions): ResolvedClientOptions {
  const read = new OptionReader<XtcpClientOptions>('XtcpClient', options, [
    'host',
    'port',
    'path',
    'payload',
    'connections',
    'pipelining',
    'connectTimeoutMs',
    'queueTimeoutMs',
    'requestTimeoutMs',
    'maxFrameBytes',
    'connectOnStart',
  ]);
  return {
    endpoint: readEndpoint(read, 1),
    payload: read.oneOf('payload', 'text', PAYLOAD_KINDS),
    connections: read.integer('connections', 10, 1, 65_535),
    pipelining: read.integer('pipelining', 1, 1, 65_535),
    connectTimeoutMs: read.milliseconds('connectTimeoutMs', 2000),
    queueTimeoutMs: read.milliseconds('queueTimeoutMs', 5000),
    requestTimeoutMs: read.milliseconds('requestTimeoutMs', 30_000),
    maxFrameBytes: read.integer('maxFrameBytes', DEFAULT_MAX_FRAME_BYTES, 1, GREATEST_MAX_FRAME_BYTES),
    connectOnStart: read.flag('connectOnStart', false),
  };
}
