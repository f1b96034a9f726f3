import { XtcpError, type XtcpErrorContext } from './xtcp-error.js';

const UNTRUSTED = 'is not trusted';

/** What OpenSSL and Node find against a certificate. */
const FAULTS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet',
  CERT_REVOKED: 'has been revoked',
  INVALID_PURPOSE: 'is not made for this use',
  ERR_TLS_CERT_ALTNAME_INVALID: 'is made out to another name than the one that was called',
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_SIGNATURE_FAILURE: UNTRUSTED,
  CERT_CHAIN_TOO_LONG: UNTRUSTED,
  CERT_UNTRUSTED: UNTRUSTED,
  CERT_REJECTED: UNTRUSTED,
  INVALID_CA: UNTRUSTED,
  PATH_LENGTH_EXCEEDED: UNTRUSTED,
};

/** Why a server does not want a client's certificate, by the TLS alert that it sends. */
const CERTIFICATE_ALERTS: Readonly<Record<string, string>> = {
  CERTIFICATE_REQUIRED: 'the server wants a client certificate; set cert and key in tlsOptions',
  UNKNOWN_CA: "the server does not trust this client's certificate",
  BAD_CERTIFICATE: "the server does not trust this client's certificate",
  CERTIFICATE_UNKNOWN: "the server does not trust this client's certificate",
  UNSUPPORTED_CERTIFICATE: "the server cannot use this client's certificate",
  CERTIFICATE_EXPIRED: "the server finds this client's certificate expired",
  CERTIFICATE_REVOKED: "the server finds this client's certificate revoked",
  ACCESS_DENIED: 'the server lets nobody in with this certificate',
};

const NO_COMMON_VERSION = 'client and server have no version of TLS in common';
const NOT_TLS = 'the server does not speak TLS; leave out tlsOptions, or call the port at which it does';

/** What else fails a handshake. */
const HANDSHAKE_FAILURES: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  ERR_SSL_UNSUPPORTED_PROTOCOL: NO_COMMON_VERSION,
  ERR_SSL_NO_PROTOCOLS_AVAILABLE: NO_COMMON_VERSION,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: NO_COMMON_VERSION,
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: 'the server has no certificate for the name asked for (servername)',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 'client and server have no ALPN protocol in common',
  // Up to TLS 1.2, which has no alert of its own for the first.
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE:
    'the server refused the TLS handshake: it wants a client certificate, or there is no cipher in common',
};

/** What is wrong with a certificate, to stand behind its name; `is not trusted` for what is not known. */
export function faultOf(code: string | undefined): string {
  return (code !== undefined && FAULTS[code]) || UNTRUSTED;
}

/** The code that Node gave an error, where it is one that may be shown. */
export function codeOf(error: unknown): string | undefined {
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[A-Z0-9_]+$/.test(code) ? code : undefined;
}

/**
 * The error with which a server turned down this client's certificate: UNAUTHENTICATED, or undefined where it is
 * another. From TLS 1.3 on, such an error comes when the connection has long seemed to stand.
 */
export function fromCertificateAlert(error: Error, context: XtcpErrorContext = {}): XtcpError | undefined {
  const code = codeOf(error);
  const alert = /^ERR_SSL_(?:SSLV3|TLSV1|TLSV13)_ALERT_(\w+)$/.exec(code ?? '')?.[1];
  const meaning = alert === undefined ? undefined : CERTIFICATE_ALERTS[alert];
  if (meaning === undefined) return undefined;
  // A server that has not let the client in has run nothing for it.
  return new XtcpError('UNAUTHENTICATED', `${meaning} (${code})`, { ...context, executed: false, cause: error });
}

/**
 * The error that ended a client's handshake: UNAUTHENTICATED where a certificate was turned down, PROTOCOL_ERROR where
 * the two sides do not speak the same, undefined where it is the connection that failed.
 * @param refused whether this side turned down the server's certificate
 */
export function fromHandshakeError(error: Error, refused: boolean): XtcpError | undefined {
  const code = codeOf(error);
  const shown = code === undefined ? '' : ` (${code})`;
  const context: XtcpErrorContext = { executed: false, cause: error };
  if (refused) return new XtcpError('UNAUTHENTICATED', `the server's certificate ${faultOf(code)}${shown}`, context);
  const meaning = code === undefined ? undefined : HANDSHAKE_FAILURES[code];
  if (meaning !== undefined) return new XtcpError('PROTOCOL_ERROR', `${meaning}${shown}`, context);
  if (code === 'ECONNRESET') {
    const closed = 'the server closed the connection during the TLS handshake; it may not speak TLS';
    return new XtcpError('UNAVAILABLE', `${closed}${shown}`, context);
  }
  return fromCertificateAlert(error);
}
