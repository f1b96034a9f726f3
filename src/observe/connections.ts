import type { Channel } from 'node:diagnostics_channel';

import type { XtcpError } from '../errors/xtcp-error.js';

/** What the client's channels of connections carry. */
export interface ClientConnectionEvent {
  /** `host:port`, `[ipv6]:port` or `unix:path`. */
  readonly endpoint: string;
  /** On `xtcp:client:connection:lost`: why it could not be opened, or was lost while calls were on it. */
  readonly error: XtcpError | undefined;
}

/** What the server's channels of connections carry. */
export interface ServerConnectionEvent {
  /** The client's IP address; undefined on a Unix domain socket. */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  /** On `xtcp:server:connection:refuse` and `:break`: why it was turned away, or what its client did wrong. */
  readonly reason: string | undefined;
}

/** Tells of a client's connection, where anybody listens. */
export function tellClientConnection(channel: Channel, endpoint: string, error?: XtcpError): void {
  if (!channel.hasSubscribers) return;
  const event: ClientConnectionEvent = { endpoint, error };
  channel.publish(event);
}

/** Tells of a server's connection, where anybody listens. */
export function tellServerConnection(
  channel: Channel,
  peer: { readonly remoteAddress: string | undefined; readonly remotePort: number | undefined },
  reason?: string,
): void {
  if (!channel.hasSubscribers) return;
  const { remoteAddress, remotePort } = peer;
  const event: ServerConnectionEvent = { remoteAddress, remotePort, reason };
  channel.publish(event);
}
