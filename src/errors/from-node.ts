import { fromCertificateAlert } from './from-tls.js';
import { XtcpError, type XtcpErrorContext } from './xtcp-error.js';

/** What Node's error codes mean to somebody who called an endpoint. */
const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the other side reset the connection',
  EPIPE: 'the other side had closed the connection',
  ETIMEDOUT: 'the network did not answer',
  EHOSTUNREACH: 'no route leads to that host',
  ENETUNREACH: 'no route leads to that network',
  ENOTFOUND: 'that host name is not known',
  EAI_AGAIN: 'the host name could not be looked up just now',
  ENOENT: 'there is no such socket file',
  EACCES: 'this process may not open that socket',
  EMFILE: 'this process has too many open files',
};

/**
 * The one place that turns an error of Node's sockets into an {@link XtcpError}: UNAVAILABLE, `cause` kept; of TLS,
 * also what {@link fromCertificateAlert} says. What is an XtcpError already, since this side ended the connection by
 * it, stays one.
 */
export function fromSocketError(error: Error, context: XtcpErrorContext = {}): XtcpError {
  if (error instanceof XtcpError) return error;
  const refused = fromCertificateAlert(error, context);
  if (refused !== undefined) return refused;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const meaning = (code !== undefined && MEANINGS[code]) || 'the connection failed';
  return new XtcpError('UNAVAILABLE', code === undefined ? meaning : `${meaning} (${code})`, {
    ...context,
    cause: error,
  });
}
