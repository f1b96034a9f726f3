import { faultOf } from './from-tls.js';
import { XtcpError } from './xtcp-error.js';

interface Refusal {
  readonly code: 'PROTOCOL_ERROR' | 'UNAUTHENTICATED';
  /** How a server says it, on the wire and in its log. A code of OpenSSL's may follow, in parentheses. */
  readonly said: string;
  /** How it is told to who called. */
  readonly told: string;
}

const WITHOUT_TLS: Refusal = {
  code: 'PROTOCOL_ERROR',
  said: 'this port speaks TLS, and the client does not',
  told: 'the server speaks TLS; set tlsOptions',
};
const WITHOUT_CERTIFICATE: Refusal = {
  code: 'UNAUTHENTICATED',
  said: 'there is no client certificate',
  told: 'the server wants a client certificate; set cert and key in tlsOptions',
};
const CERTIFICATES: readonly Refusal[] = [
  'has expired',
  'is not valid yet',
  'has been revoked',
  'is not made for this use',
  'is not trusted',
].map((fault) => ({
  code: 'UNAUTHENTICATED',
  said: `the client certificate ${fault}`,
  told: `the server finds that this client's certificate ${fault}`,
}));

const REFUSALS: readonly Refusal[] = [WITHOUT_TLS, WITHOUT_CERTIFICATE, ...CERTIFICATES];

/** The refusal of a client that does not speak TLS where that is spoken. */
export function refuseWithoutTls(): XtcpError {
  return refusal(WITHOUT_TLS, '');
}

/** The refusal of a client that does speak TLS, where that is not spoken; it can read no answer. */
export function refuseTls(): XtcpError {
  return new XtcpError('PROTOCOL_ERROR', 'the client speaks TLS, and this port does not', { executed: false });
}

/** The same, told to the client by itself: the server's bytes are TLS. */
export function meetTls(): XtcpError {
  return new XtcpError(WITHOUT_TLS.code, WITHOUT_TLS.told, { executed: false });
}

export function refuseWithoutCertificate(): XtcpError {
  return refusal(WITHOUT_CERTIFICATE, '');
}

/** @param code what OpenSSL finds against the certificate, such as `CERT_HAS_EXPIRED` */
export function refuseCertificate(code: string): XtcpError {
  const fault = faultOf(code);
  const known = CERTIFICATES.find(({ said }) => said.endsWith(fault)) ?? CERTIFICATES.at(-1)!;
  return refusal(known, ` (${code})`);
}

/**
 * A refusal as its client is told of it; undefined where a server's words are none. These words are part of the
 * protocol (docs/protocol.md, "TLS"): nothing else tells a refusal, behind which nothing ran, from an answer.
 */
export function readRefusal(code: string, message: string): XtcpError | undefined {
  const [, said, shown = ''] = /^(.*?)( \([A-Z0-9_]+\))?$/.exec(message) ?? [];
  const known = REFUSALS.find((one) => one.code === code && one.said === said);
  return known && new XtcpError(known.code, known.told + shown, { executed: false });
}

function refusal({ code, said }: Refusal, shown: string): XtcpError {
  return new XtcpError(code, said + shown, { executed: false });
}
