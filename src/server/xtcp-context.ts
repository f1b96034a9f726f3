import type { Socket } from 'node:net';

import { BaseRpcContext, type PacketMetadata } from '@nestjs/microservices';

type XtcpContextArgs = [socket: Socket, pattern: string, remoteAddress: string | undefined, metadata?: PacketMetadata];

/** What a handler learns of its call beside the payload: `@Ctx() context: XtcpContext`. */
export class XtcpContext extends BaseRpcContext<XtcpContextArgs> {
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

  /** The metadata that the caller attached, if any; a classic call has none. */
  getMetadata(): PacketMetadata | undefined {
    return this.args[3];
  }
}
