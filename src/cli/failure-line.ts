import { escapeControls, XtcpError } from '../errors/xtcp-error.js';

/** How options of XtcpClient, which messages of the library name, are said here. */
const FLAGS: readonly (readonly [option: string, flag: string])[] = [
  ['set cert and key in tlsOptions', 'give --cert and --key'],
  ['set tlsOptions', 'give --tls'],
  ['leave out tlsOptions', 'leave out --tls'],
  ['(connectTimeoutMs)', '(--connect-timeout)'],
  ['(maxMetadataBytes)', '(--meta)'],
  ['(maxMetadataKeys)', '(--meta)'],
  ['and protocol is "session"', 'and --auth has no place there'],
];

/** What to do about it, by Node's or OpenSSL's code of the error underneath. */
const ADVICE: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: '--ca names whom to trust',
  SELF_SIGNED_CERT_IN_CHAIN: '--ca names whom to trust',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: '--ca names whom to trust',
  UNABLE_TO_GET_ISSUER_CERT: '--ca names whom to trust',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: '--ca names whom to trust',
  ERR_TLS_CERT_ALTNAME_INVALID: '--servername gives the name that it has to have',
};

/** An error in one line: `xtcp: <code>: <what, where, what to do>`. */
export function failureLine(error: unknown): string {
  if (!(error instanceof XtcpError)) return `xtcp: ${oneLine(textOf(error))}`;
  return oneLine(`xtcp: ${error.code}: ${toldHere(error)}`);
}

/** What a call failed with, in full: the library keeps payloads out of messages, here the user is who asked. */
export function withDetails(error: XtcpError, pattern: string, endpoint: string): XtcpError {
  if (error.code !== 'APPLICATION') return error.ofCall(pattern, endpoint);
  const { details } = error;
  const said = typeof details === 'string' ? details : JSON.stringify(details);
  return new XtcpError(error.code, said ?? error.message, { details }).ofCall(pattern, endpoint);
}

/** The message of an error in the terms of the command line. */
export function toldHere(error: XtcpError): string {
  let text = error.message;
  for (const [option, flag] of FLAGS) text = text.replaceAll(option, flag);
  const { cause } = error;
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const advice = typeof code === 'string' ? ADVICE[code] : undefined;
  return advice === undefined ? text : `${text}; ${advice}`;
}

export function oneLine(text: string): string {
  return escapeControls(text.trimEnd().replaceAll(/\s*\n\s*/g, ' '));
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
