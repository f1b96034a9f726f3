import type { Socket } from 'node:net';

import { SocketStream, type SocketStreamLimits } from './socket-stream.js';

/** What the records begin with in which TLS says what is wrong, and in which it opens; no frame begins so. */
const TLS_ALERT = 0x15;
const TLS_HANDSHAKE = 0x16;

/** A stream without TLS that notices where the other side speaks TLS. */
export class PlainStream extends SocketStream {
  private isFirst = true;

  /** @param onTls is called in the place of handing over the first piece, where that is TLS */
  constructor(
    socket: Socket,
    limits: SocketStreamLimits,
    private readonly onTls: () => void,
  ) {
    super(socket, limits);
  }

  override take(piece: Buffer): void {
    const isTls = this.isFirst && (piece[0] === TLS_ALERT || piece[0] === TLS_HANDSHAKE);
    this.isFirst = false;
    if (isTls) this.onTls();
    else super.take(piece);
  }
}
