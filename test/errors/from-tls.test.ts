import { describe, expect, test } from 'vitest';

import { fromSocketError } from '../../src/errors/from-node.js';
import { faultOf, fromCertificateAlert, fromHandshakeError } from '../../src/errors/from-tls.js';
import { XtcpError } from '../../src/errors/xtcp-error.js';

function nodeError(code: string): Error {
  return Object.assign(new Error(`80DC:error:${code}:ssl3_read_bytes\n`), { code });
}

describe('a certificate of a server that this side turned down', () => {
  test.each([
    ['CERT_HAS_EXPIRED', 'has expired'],
    ['CERT_NOT_YET_VALID', 'is not valid yet'],
    ['CERT_REVOKED', 'has been revoked'],
    ['INVALID_PURPOSE', 'is not made for this use'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'is made out to another name than the one that was called'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'is not trusted'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'is not trusted'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'is not trusted'],
    ['UNABLE_TO_GET_ISSUER_CERT', 'is not trusted'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'is not trusted'],
    ['A_CODE_OF_THE_FUTURE', 'is not trusted'],
  ])('%s is UNAUTHENTICATED: it %s', (code, fault) => {
    const cause = nodeError(code);
    const error = fromHandshakeError(cause, true);

    expect(error).toBeInstanceOf(XtcpError);
    expect(error).toMatchObject({ code: 'UNAUTHENTICATED', executed: false, cause });
    expect(error?.message).toBe(`the server's certificate ${fault} (${code})`);
  });

  test('by a check of the application, without a code, is not trusted', () => {
    expect(fromHandshakeError(new Error('no'), true)?.message).toBe("the server's certificate is not trusted");
    expect(faultOf(undefined)).toBe('is not trusted');
  });
});

describe('a certificate of this client that the server turned down', () => {
  test.each([
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'wants a client certificate'],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'does not trust'],
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'does not trust'],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 'expired'],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED', 'revoked'],
    ['ERR_SSL_TLSV1_ALERT_ACCESS_DENIED', 'lets nobody in'],
  ])('%s is UNAUTHENTICATED, during the handshake and behind it', (code, meaning) => {
    const cause = nodeError(code);
    for (const error of [fromHandshakeError(cause, false), fromSocketError(cause)]) {
      expect(error).toMatchObject({ code: 'UNAUTHENTICATED', executed: false, cause });
      expect(error?.message).toContain(meaning);
      expect(error?.message).toContain(`(${code})`);
    }
  });
});

test.each([
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'the server does not speak TLS'],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'the server does not speak TLS'],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'no version of TLS in common'],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'no version of TLS in common'],
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'it wants a client certificate, or there is no cipher in common'],
  ['ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL', 'no ALPN protocol in common'],
])('%s is a PROTOCOL_ERROR of the handshake, and of nothing later', (code, meaning) => {
  expect(fromHandshakeError(nodeError(code), false)).toMatchObject({
    code: 'PROTOCOL_ERROR',
    message: expect.stringContaining(meaning) as string,
    executed: false,
  });
  // In the middle of a connection such an error says nothing of who speaks what, nor of what ran.
  expect(fromSocketError(nodeError(code))).toMatchObject({ code: 'UNAVAILABLE', executed: undefined });
});

test('a connection that is closed during the handshake is UNAVAILABLE', () => {
  expect(fromHandshakeError(nodeError('ECONNRESET'), false)).toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('during the TLS handshake; it may not speak TLS') as string,
    executed: false,
  });
});

test('what is no matter of TLS is left to others', () => {
  expect(fromHandshakeError(nodeError('ETIMEDOUT'), false)).toBeUndefined();
  expect(fromCertificateAlert(nodeError('ECONNRESET'))).toBeUndefined();
  expect(fromCertificateAlert(nodeError('ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR'))).toBeUndefined();
  expect(fromCertificateAlert(new Error('no code'))).toBeUndefined();
});

test('an error that this side ended the connection by stays as it is', () => {
  const error = new XtcpError('PROTOCOL_ERROR', 'mine');

  expect(fromSocketError(error)).toBe(error);
});
