import type { Socket } from 'node:net';
import { TLSSocket, type PeerCertificate, type TlsOptions } from 'node:tls';

import { formatErrorAnswer } from '../classic/error-answer.js';
import { codeOf } from '../errors/from-tls.js';
import { refuseCertificate, refuseWithoutCertificate, refuseWithoutTls } from '../errors/refusals.js';
import type { XtcpError } from '../errors/xtcp-error.js';
import { encodeFrame } from '../wire/encoder.js';

/** What OpenSSL calls bytes that are no TLS. */
const NOT_TLS: ReadonlySet<string | undefined> = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_HTTPS_PROXY_REQUEST',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
]);

const NO_COMMON_VERSION = 'client and server have no version of TLS in common';

/** Why handshakes fail, as the log says it. */
const FAILURES: Readonly<Record<string, string>> = {
  ERR_SSL_UNSUPPORTED_PROTOCOL: NO_COMMON_VERSION,
  ERR_SSL_VERSION_TOO_LOW: NO_COMMON_VERSION,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: NO_COMMON_VERSION,
  ERR_SSL_NO_SHARED_CIPHER: 'client and server have no cipher in common',
  ERR_SSL_NO_SHARED_SIGNATURE_ALGORITHMS: 'client and server have no signature algorithm in common',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'client and server have no signature algorithm in common',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'client and server have no ALPN protocol in common',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'the TLS handshake took too long',
  ECONNRESET: "the client left during the TLS handshake; it may not trust this server's certificate",
};

/** The peer's certificate; undefined where it presented none, and where the connection is plain or gone. */
export function peerCertificateOf(socket: Socket): PeerCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  // Typed as always there, but null behind the end, and empty where there is none.
  const certificate = socket.getPeerCertificate() as PeerCertificate | null;
  return certificate === null || Object.keys(certificate).length === 0 ? undefined : certificate;
}

/** Why a client may not come in, whose handshake is over: UNAUTHENTICATED, or undefined where it may. */
export function refusalOf(socket: Socket, tlsOptions: TlsOptions | undefined): XtcpError | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const { requestCert = false, rejectUnauthorized = true, pskCallback } = tlsOptions ?? {};
  if (!requestCert || !rejectUnauthorized || pskCallback !== undefined) return undefined;
  // Looked at in any case: of a TLS 1.3 session that is resumed without a certificate, Node says `authorized`.
  if (peerCertificateOf(socket) === undefined) return refuseWithoutCertificate();
  // Typed as an error, it is a code.
  return socket.authorized ? undefined : refuseCertificate(String(socket.authorizationError));
}

/** What the log says of a handshake that failed. Never the error's own message, which may quote the other side. */
export function complaintOf(error: Error): string {
  const code = codeOf(error);
  if (NOT_TLS.has(code)) return refuseWithoutTls().message;
  const shown = code === undefined ? '' : ` (${code})`;
  if (/_ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_\w+|UNSUPPORTED_CERTIFICATE)$/.test(code ?? '')) {
    return `the client does not take this server's certificate${shown}`;
  }
  return `${(code !== undefined && FAILURES[code]) || 'the TLS handshake failed'}${shown}`;
}

/**
 * Tells a client that came to a TLS port without TLS. It reads this unless it has sent more than was read: then the
 * system resets the connection, since Node closes it at once.
 */
export function tellWithoutTls(carrier: Socket, error: Error): void {
  if (!NOT_TLS.has(codeOf(error)) || !carrier.writable) return;
  for (const piece of encodeFrame([formatErrorAnswer(refuseWithoutTls())]).pieces) carrier.write(piece);
}
