import type { Socket } from 'node:net';

import { SocketStream, type SocketStreamOptions } from './socket-stream.js';

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
  constructor(
    socket: Socket,
    options: SocketStreamOptions,
    /** The same for all connections, since thousands of them may be idle; undefined once the first byte has come. */
    private others: OtherSpeakers | undefined,
  ) {
    super(socket, options);
  }

  override take(piece: Buffer): void {
    const other = this.others && speakerOf(this.others, piece[0]!);
    this.others = undefined;
    if (other === undefined) super.take(piece);
    else other(this, piece);
  }
}

/** Who takes the connection in the place of those who take frames; undefined where that is nobody. */
function speakerOf({ tls, http }: OtherSpeakers, first: number): OtherSpeakers[keyof OtherSpeakers] {
  if (first === TLS_ALERT || first === TLS_HANDSHAKE) return tls;
  return first >= LETTER_A && first <= LETTER_Z ? http : undefined;
}
