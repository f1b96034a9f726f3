import type { Socket } from 'node:net';

/** What the client of a session says of itself. */
export interface ClientHello {
  /** The client's own name for itself, where it gave one. */
  readonly name: string | undefined;
  /** Its token: what the client's option `auth` gave; undefined where it has none. */
  readonly auth: string | undefined;
}

/** Where the client of a session is. */
export interface ClientPeer {
  /** Its IP address; undefined on a Unix domain socket. */
  readonly remoteAddress: string | undefined;
  /** The connection; over TLS a `tls.TLSSocket`, which knows the client's certificate. */
  readonly socket: Socket;
}

/** @returns who the client is: what `XtcpContext.identity` is to be. @throws whatever; the client is turned away */
export type Authenticate = (hello: ClientHello, peer: ClientPeer) => unknown;
