import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';

import type { CallObserver, CallRequest } from '../call/call.js';
import { EndpointCaller } from '../call/endpoint-caller.js';
import { systemClock, type Cancel } from '../clock/clock.js';
import { XtcpError } from '../errors/xtcp-error.js';
import { resolveClientOptions, type EventAck, type XtcpClientOptions } from '../options/client-options.js';
import type { PayloadKind } from '../options/payload-kind.js';
import { Dialler } from '../socket/dialler.js';
import type { Packer } from '../wire/codec.js';
import { requireMsgpack } from '../wire/msgpack.js';
import { parseTarget } from './target.js';
import { UsageError } from './usage-error.js';

/** The flags by which every command connects. */
export interface ConnectionFlags {
  readonly tls?: true;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly insecure?: true;
  readonly auth?: string;
  readonly classic?: true;
  readonly msgpack?: true;
  readonly connectTimeout: number;
}

/** One call, as far as commands say what it is. */
export interface Asked {
  readonly kind?: 'call' | 'event';
  readonly pattern: string;
  readonly data: unknown;
  readonly input?: CallRequest['input'];
  readonly metadata?: Record<string, string> | undefined;
  /** 0 or undefined for any time. */
  readonly timeoutMs: number | undefined;
  readonly ack?: EventAck;
  readonly payload?: PayloadKind | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onMetadata?: CallRequest['onMetadata'];
}

/** A server that commands call. Fails at once where it cannot be reached: whoever types a command sees to the rest. */
export class Connection {
  readonly caller: EndpointCaller;
  private readonly dialler: Dialler;
  private readonly packer: Packer | undefined;

  /** @throws {UsageError} where target or flags are wrong */
  constructor(target: string, flags: ConnectionFlags, more: XtcpClientOptions = {}) {
    const endpoint = parseTarget(target);
    const tlsOptions = tlsOptionsOf(flags);
    try {
      const options = resolveClientOptions({
        ...endpoint,
        tlsOptions,
        protocol: flags.classic ? 'classic' : 'auto',
        codec: flags.msgpack ? 'msgpack' : 'json',
        auth: flags.auth,
        connectTimeoutMs: flags.connectTimeout,
        requestTimeoutMs: 0,
        gracePeriodMs: 1000,
        retries: 0,
        ...more,
      });
      this.packer = flags.msgpack ? requireMsgpack('--msgpack') : undefined;
      this.dialler = new Dialler(options, systemClock);
      this.caller = new EndpointCaller(
        options,
        (onOpen, onFailed) =>
          this.dialler.dial((bytes) => {
            this.onDialled?.();
            onOpen(bytes);
          }, onFailed),
        { onConnect: () => {}, onLost: () => {}, onClose: () => {}, onStatus: () => {} },
        flags.msgpack === true,
      );
    } catch (error) {
      throw new UsageError(inFlags((error as Error).message, flags));
    }
  }

  /** Called behind each connection that was opened, before it is used. */
  onDialled: (() => void) | undefined;

  get endpoint(): string {
    return this.caller.endpoint;
  }

  /** The sockets that are open now. */
  get sockets(): Dialler['sockets'] {
    return this.dialler.sockets;
  }

  request(asked: Asked): CallRequest {
    return {
      kind: asked.kind ?? 'call',
      pattern: asked.pattern,
      data: asked.data,
      input: asked.input,
      metadata: asked.metadata,
      timeoutMs: asked.timeoutMs || undefined,
      requestTimeoutMs: 0,
      ack: asked.ack ?? 'received',
      idempotent: false,
      packer: this.packer,
      signal: asked.signal,
      onMetadata: asked.onMetadata,
      payload: asked.payload ?? 'text',
    };
  }

  call(asked: Asked, observer: CallObserver): Cancel {
    return this.caller.call(this.request(asked), observer);
  }

  /** The last value of the answer, undefined where there was none. @throws {XtcpError} what the call failed with */
  async ask(asked: Asked): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let last: unknown;
      this.call(asked, {
        onValue: (value, taken) => {
          last = value;
          taken();
        },
        onComplete: () => {
          resolve(last);
        },
        onError: reject,
      });
    });
  }

  /**
   * Resolves when there is a connection.
   * @throws {XtcpError} where none can be opened, or `signal` is aborted before
   */
  async connect(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => {
      void this.close();
    };
    signal.addEventListener('abort', onAbort);
    try {
      await this.caller.connect();
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async close(): Promise<void> {
    await this.caller.close();
  }
}

const TLS_FLAGS = ['tls', 'ca', 'cert', 'key', 'servername', 'insecure'] as const;

/** Any flag about TLS asks for it. */
function tlsOptionsOf(flags: ConnectionFlags): ConnectionOptions | undefined {
  if (TLS_FLAGS.every((name) => flags[name] === undefined)) return undefined;
  if ((flags.cert === undefined) !== (flags.key === undefined)) {
    throw new UsageError(flags.key === undefined ? '--cert is without --key' : '--key is without --cert');
  }
  return {
    ca: readOr('ca', flags.ca),
    cert: readOr('cert', flags.cert),
    key: readOr('key', flags.key),
    servername: flags.servername,
    rejectUnauthorized: flags.insecure === undefined,
  };
}

function readOr(flag: string, path: string | undefined): Buffer | undefined {
  return path === undefined ? undefined : readFileOf(flag, path);
}

/** @throws {UsageError} where it cannot be read */
export function readFileOf(flag: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = { ENOENT: 'there is no such file', EACCES: 'it may not be read', EISDIR: 'it is a folder' }[code ?? ''];
    throw new UsageError(`--${flag} ${path}: ${why ?? message}`);
  }
}

/** What the library says of its options, told of the flags that they come from. */
function inFlags(message: string, flags: ConnectionFlags): string {
  const [, member, why] = /the option "tlsOptions" is wrong: (?:"(ca|cert|key)": )?(.*)$/.exec(message) ?? [];
  if (why === undefined) return message.replace(/^XtcpClient: /, '');
  if (member === 'ca' || member === 'cert' || member === 'key') return `--${member} ${flags[member]}: ${why}`;
  return `--cert ${flags.cert} and --key ${flags.key}: ${why}`;
}

/** As {@link XtcpError.ofCall}, where it is an XtcpError. */
export function namedCall(error: unknown, pattern: string, endpoint: string): unknown {
  return error instanceof XtcpError ? error.ofCall(pattern, endpoint) : error;
}
