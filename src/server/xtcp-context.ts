import type { Socket } from 'node:net';
import type { PeerCertificate } from 'node:tls';

import { BaseRpcContext, type PacketMetadata } from '@nestjs/microservices';

import type { Clock } from '../clock/clock.js';
import { ReceivedMetadata } from '../wire/metadata.js';
import { peerCertificateOf } from './tls-peer.js';

type XtcpContextArgs = [
  socket: Socket,
  pattern: string,
  remoteAddress: string | undefined,
  metadata?: PacketMetadata | undefined,
  identity?: unknown,
];

/** Who is calling. */
export interface Peer {
  readonly socket: Socket;
  /** Kept apart, since a closed socket no longer knows it. */
  readonly remoteAddress: string | undefined;
  /** What `authenticate` returned. */
  readonly identity: unknown;
}

/** Whoever takes the items of an answer. */
interface Demand {
  /** Calls `ask` when another item can be taken. */
  whenWanted(ask: () => void): void;
}

const NOT_YET = [] as unknown as XtcpContextArgs;

/** What a handler learns of its call beside the payload: `@Ctx() context: XtcpContext`. */
export class XtcpContext extends BaseRpcContext<XtcpContextArgs> {
  private controller: AbortController | undefined;
  private abortedBy: Error | undefined;
  private answerMetadata: PacketMetadata | undefined;
  private demand: Demand | undefined;

  constructor(
    private readonly peer: Peer,
    private readonly pattern: string,
    private readonly metadata?: PacketMetadata | ReceivedMetadata | undefined,
    private readonly clock?: Clock,
    private readonly deadlineAt?: number | undefined,
  ) {
    // Made when they are asked for: V8 takes an array made for each call for something that lasts.
    super(NOT_YET);
  }

  override getArgs(): XtcpContextArgs {
    const { socket, remoteAddress, identity } = this.peer;
    return [socket, this.pattern, remoteAddress, this.getMetadata(), identity];
  }

  override getArgByIndex<Index extends keyof XtcpContextArgs>(index: Index): XtcpContextArgs[Index] {
    return this.getArgs()[index];
  }

  /** The socket that the call came on. */
  getSocketRef(): Socket {
    return this.peer.socket;
  }

  /** The pattern as it came over the wire. */
  getPattern(): string {
    return this.pattern;
  }

  /** The caller's IP address; undefined on a Unix domain socket. */
  getRemoteAddress(): string | undefined {
    return this.peer.remoteAddress;
  }

  /**
   * The certificate that the caller presented, on a server whose `tlsOptions` have `requestCert`; undefined where it
   * presented none, and where the connection is plain or gone. Where they have `rejectUnauthorized: false`, too, nothing
   * has vouched for it: see `authorized` of {@link getSocketRef}.
   */
  getPeerCertificate(): PeerCertificate | undefined {
    return peerCertificateOf(this.getSocketRef());
  }

  /** The metadata that the caller attached, if any; a classic call has none. */
  getMetadata(): PacketMetadata | undefined {
    const { metadata } = this;
    return metadata instanceof ReceivedMetadata ? metadata.value : metadata;
  }

  /** Who the caller is: what the server's option `authenticate` returned for its connection. */
  get identity(): unknown {
    return this.peer.identity;
  }

  /**
   * Aborted when nobody waits for the answer any more: the caller cancelled, its deadline is over (the reason is an
   * {@link XtcpError} that says which), or its connection is gone.
   */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.abortedBy !== undefined) this.controller.abort(this.abortedBy);
    }
    return this.controller.signal;
  }

  /** Milliseconds left until the caller's deadline, 0 when it is over; undefined where it has none. */
  get deadline(): number | undefined {
    if (this.deadlineAt === undefined || this.clock === undefined) return undefined;
    return Math.max(0, this.deadlineAt - this.clock.now());
  }

  /** Metadata for the caller, sent with the end of the answer. A classic answer has no place for it. */
  setMetadata(metadata: PacketMetadata): void {
    this.answerMetadata = { ...this.answerMetadata, ...metadata };
  }

  /**
   * Calls `ask` when the caller can take another item: at once, unless it reads a stream and is behind. For what makes
   * items on demand, such as {@link IteratorErrorsInterceptor}.
   */
  whenWanted(ask: () => void): void {
    if (this.demand === undefined) ask();
    else this.demand.whenWanted(ask);
  }

  /** For the transport. @internal */
  paceBy(demand: Demand): void {
    this.demand = demand;
  }

  /** For the transport. @internal */
  getAnswerMetadata(): PacketMetadata | undefined {
    return this.answerMetadata;
  }

  /** For the transport. @internal */
  abort(reason: Error): void {
    this.abortedBy ??= reason;
    this.controller?.abort(reason);
  }
}
