import type { Socket } from 'node:net';
import type { PeerCertificate } from 'node:tls';

import { BaseRpcContext, type PacketMetadata } from '@nestjs/microservices';

import type { Clock } from '../clock/clock.js';
import { peerCertificateOf } from './tls-peer.js';

type XtcpContextArgs = [
  socket: Socket,
  pattern: string,
  remoteAddress: string | undefined,
  metadata?: PacketMetadata | undefined,
  identity?: unknown,
];

/** What a handler learns of its call beside the payload: `@Ctx() context: XtcpContext`. */
export class XtcpContext extends BaseRpcContext<XtcpContextArgs> {
  private controller: AbortController | undefined;
  private abortedBy: Error | undefined;
  private answerMetadata: PacketMetadata | undefined;
  private demand: (ask: () => void) => void = (ask) => {
    ask();
  };

  constructor(
    args: XtcpContextArgs,
    private readonly clock?: Clock,
    private readonly deadlineAt?: number | undefined,
  ) {
    super(args);
  }

  /** The socket that the call came on. */
  getSocketRef(): Socket {
    return this.args[0];
  }

  /** The pattern as it came over the wire. */
  getPattern(): string {
    return this.args[1];
  }

  /** The caller's IP address; undefined on a Unix domain socket. */
  getRemoteAddress(): string | undefined {
    return this.args[2];
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
    return this.args[3];
  }

  /** Who the caller is: what the server's option `authenticate` returned for its connection. */
  get identity(): unknown {
    return this.args[4];
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
    this.demand(ask);
  }

  /** For the transport. @internal */
  paceBy(demand: (ask: () => void) => void): void {
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
