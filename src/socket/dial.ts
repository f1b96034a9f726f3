import { connect as connectSocket, isIP, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';

import type { Cancel, Clock } from '../clock/clock.js';
import { fromSocketError } from '../errors/from-node.js';
import { fromHandshakeError } from '../errors/from-tls.js';
import { XtcpError } from '../errors/xtcp-error.js';
import type { Endpoint } from '../options/endpoint.js';

export interface DialListener {
  /**
   * The connection stands; its socket has no listeners yet but those that TLS needs, and reads nothing until it has.
   */
  onConnected(socket: Socket): void;
  /**
   * It failed, with UNAVAILABLE or what {@link fromHandshakeError} says. Neither of the two is said after the other,
   * nor after the dial was cancelled.
   */
  onFailed(error: XtcpError): void;
}

/** Begins a connection, as `net.connect` does. */
export type Connect = (options: NetConnectOpts) => Socket;

/**
 * Opens a connection to `endpoint`; gives up after `timeoutMs` (0: never).
 * @param tls its TLS options; undefined for none. The handshake counts within the same time.
 */
export function dial(
  endpoint: Endpoint,
  timeoutMs: number,
  clock: Clock,
  listener: DialListener,
  tls?: ConnectionOptions,
  connect: Connect = connectSocket,
): Cancel {
  // Half-open, since a peer that ends its output may still take what is on its way; the protocols close in order.
  let socket: Socket = connect({ ...endpoint, allowHalfOpen: true, noDelay: true });
  let late = 'no connection';
  let stopListening: Cancel;

  const listen = (ready: string, onReady: () => void, toError: (error: Error) => XtcpError): void => {
    const watched = socket;
    const onError = (error: Error): void => {
      fail(toError(error));
    };
    watched.once('error', onError);
    watched.once(ready, onReady);
    stopListening = () => {
      watched.off('error', onError);
      watched.off(ready, onReady);
    };
  };
  const connected = (): void => {
    stopTimer();
    stopListening();
    listener.onConnected(socket);
  };
  const shakeHands = (options: ConnectionOptions): void => {
    stopListening();
    late = 'the TLS handshake was not over';
    const secured = secure(socket, endpoint, options);
    socket = secured;
    listen('secureConnect', connected, (error) => {
      // Typed as an error, it is a code; null where the certificate was taken, or has not been looked at.
      const refused = Boolean(secured.authorizationError);
      return fromHandshakeError(error, refused) ?? fromSocketError(error, { executed: false });
    });
  };
  const fail = (error: XtcpError): void => {
    cancel();
    listener.onFailed(error);
  };
  const stopTimer = clock.after(timeoutMs, () => {
    fail(new XtcpError('UNAVAILABLE', `${late} within ${timeoutMs} ms (connectTimeoutMs)`, { executed: false }));
  });
  const cancel: Cancel = () => {
    stopTimer();
    stopListening();
    // A socket destroyed while it connects may still report an error, which nobody waits for.
    socket.on('error', () => {});
    socket.destroy();
  };
  const onConnect = (): void => {
    if (tls === undefined) connected();
    else shakeHands(tls);
  };
  listen('connect', onConnect, (error) => fromSocketError(error, { executed: false }));
  return cancel;
}

/** Begins TLS on a connection. The name that is checked, and asked for, is the endpoint's, unless options say another. */
function secure(carrier: Socket, endpoint: Endpoint, options: ConnectionOptions): TLSSocket {
  const host = 'host' in endpoint ? endpoint.host : undefined;
  const socket = connectTls({
    ...(host !== undefined && { host }),
    ...(host !== undefined && isIP(host) === 0 && { servername: host }),
    ...options,
    socket: carrier,
  });
  // What goes wrong with it is told of the TLS socket.
  carrier.on('error', () => {});
  // Node leaves a TLS socket half alive behind an error that comes after the handshake, such as a late alert.
  socket.on('error', (error) => {
    socket.destroy(error);
  });
  return socket;
}
