import { connect, type Socket } from 'node:net';

import type { Cancel, Clock } from '../clock/clock.js';
import { fromSocketError } from '../errors/from-node.js';
import { XtcpError } from '../errors/xtcp-error.js';
import type { Endpoint } from '../options/endpoint.js';

export interface DialListener {
  /** The connection stands; its socket has no listeners yet and reads nothing until it has. */
  onConnected(socket: Socket): void;
  /** It failed with UNAVAILABLE. Neither of the two is said after the other, nor after the dial was cancelled. */
  onFailed(error: XtcpError): void;
}

/** Opens a connection to `endpoint`; gives up after `timeoutMs` (0: never). */
export function dial(endpoint: Endpoint, timeoutMs: number, clock: Clock, listener: DialListener): Cancel {
  // Half-open, since a peer that ends its output may still take what is on its way; the protocols close in order.
  const socket = connect({ ...endpoint, allowHalfOpen: true, noDelay: true });
  const fail = (error: XtcpError): void => {
    cancel();
    listener.onFailed(error);
  };
  const onError = (error: Error): void => {
    fail(fromSocketError(error, { executed: false }));
  };
  const onConnect = (): void => {
    stopListening();
    listener.onConnected(socket);
  };
  const stopTimer = clock.after(timeoutMs, () => {
    fail(new XtcpError('UNAVAILABLE', `no connection within ${timeoutMs} ms (connectTimeoutMs)`, { executed: false }));
  });
  const stopListening = (): void => {
    stopTimer();
    socket.off('error', onError);
    socket.off('connect', onConnect);
  };
  const cancel: Cancel = () => {
    stopListening();
    // A socket destroyed while it connects may still report an error, which nobody waits for.
    socket.on('error', () => {});
    socket.destroy();
  };
  socket.once('error', onError);
  socket.once('connect', onConnect);
  return cancel;
}
