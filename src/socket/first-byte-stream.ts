import type { Socket } from 'node:net';

import { SocketStream, type SocketStreamLimits } from './socket-stream.js';

/** What the records begin with in which TLS says what is wrong, and in which it opens. */
const TLS_ALERT = 0x15;
const TLS_HANDSHAKE = 0x16;
/** What the methods of HTTP/1 begin with, and HTTP/2. */
const LETTER_A = 0x41;
const LETTER_Z = 0x5a;

/**
 * Who takes a connection that turns out not to speak frames, which begin with a digit. What nobody is named for is left
 * to those who take frames, to whom it is malformed.
 */
export interface OtherSpeakers {
  /**
   * @param stream of the connection
   * @param piece what has come, from the first byte on
   */
  readonly tls?: ((stream: SocketStream, piece: Buffer) => void) | undefined;
  readonly http?: ((stream: SocketStream, piece: Buffer) => void) | undefined;
}

/** A stream whose first byte says what the other side speaks; where that is no frames, the first piece goes elsewhere. */
export class FirstByteStream extends SocketStream {
  private isFirst = true;

  constructor(
    socket: Socket,
    limits: SocketStreamLimits,
    /** The same for all connections, since thousands of them may be idle. */
    private readonly others: OtherSpeakers,
  ) {
    super(socket, limits);
  }

  override take(piece: Buffer): void {
    const speaks = this.isFirst ? spokenBy(piece[0]!) : 'frames';
    this.isFirst = false;
    const other = speaks === 'frames' ? undefined : this.others[speaks];
    if (other === undefined) super.take(piece);
    else other(this, piece);
  }
}

function spokenBy(first: number): keyof OtherSpeakers | 'frames' {
  if (first === TLS_ALERT || first === TLS_HANDSHAKE) return 'tls';
  return first >= LETTER_A && first <= LETTER_Z ? 'http' : 'frames';
}
