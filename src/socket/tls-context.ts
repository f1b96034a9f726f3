import { X509Certificate } from 'node:crypto';
import {
  createSecureContext,
  createServer,
  type ConnectionOptions,
  type SecureContext,
  type Server as TlsServer,
  type TlsOptions,
} from 'node:tls';

import type { XtcpError } from '../errors/xtcp-error.js';
import { wrongTlsOptions, type TlsOwner } from '../options/tls-options.js';

/** What may be wrong by itself, in the order in which it is looked at to find out what is. */
const PARTS = ['key', 'cert', 'pfx', 'crl', 'ciphers', 'sigalgs', 'ecdhCurve', 'dhparam'] as const;

/**
 * Makes certificates, keys and their like ready for use, once for all connections.
 * @throws {XtcpError} INVALID_ARGUMENT that names the member which is wrong, and quotes none
 */
export function secureContextOf(owner: TlsOwner, options: TlsOptions | ConnectionOptions): SecureContext {
  if ((options.cert === undefined) !== (options.key === undefined)) {
    throw wrongTlsOptions(owner, options.key === undefined ? '"cert" is without "key"' : '"key" is without "cert"');
  }
  for (const authority of [options.ca ?? []].flat()) {
    // Node takes what is no certificate without a word, and then trusts nobody.
    attempt(
      () => new X509Certificate(authority),
      (why) => wrongTlsOptions(owner, `"ca": ${why}`),
    );
  }
  return attempt(
    () => createSecureContext(options),
    (why) => wrongTlsOptions(owner, blame(options) ?? why),
  );
}

/** A client's options with all that can be made of them once for all connections. */
export function withSecureContext(options: ConnectionOptions): ConnectionOptions {
  return { ...options, secureContext: secureContextOf('XtcpClient', options) };
}

/** As {@link secureContextOf}, for a server: one that has no certificate could not serve anybody. */
export function checkServerContext(options: TlsOptions): void {
  secureContextOf('XtcpServer', options);
  const { cert, pfx, SNICallback, pskCallback } = options;
  if ([cert, pfx, SNICallback, pskCallback].some((identity) => identity !== undefined)) return;
  throw wrongTlsOptions('XtcpServer', 'there is no certificate; set "cert" and "key", or "pfx"');
}

/** Makes a server of options that passed {@link checkServerContext}. @throws {XtcpError} INVALID_ARGUMENT */
export function makeTlsServer(options: TlsOptions): TlsServer {
  return attempt(
    () => createServer(options),
    (why) => wrongTlsOptions('XtcpServer', why),
  );
}

/** Finds the member that is wrong by itself, if any: OpenSSL does not say which one it was reading. */
function blame(options: TlsOptions | ConnectionOptions): string | undefined {
  const { passphrase } = options;
  for (const name of PARTS) {
    if (options[name] === undefined) continue;
    try {
      createSecureContext({ [name]: options[name], ...(passphrase !== undefined && { passphrase }) });
    } catch (error) {
      return `"${name}": ${reasonOf(error)}`;
    }
  }
  return undefined;
}

/** Without a `cause`: Node's errors of arguments quote what they were given. */
function attempt<Value>(make: () => Value, toError: (why: string) => XtcpError): Value {
  try {
    return make();
  } catch (error) {
    throw toError(reasonOf(error));
  }
}

function reasonOf(error: unknown): string {
  const { reason, message } = error as { readonly reason?: unknown; readonly message: string };
  // "… must be of type string. Received …" goes on with what it got.
  return typeof reason === 'string' ? reason : message.replace(/\.? Received[^]*$/, '');
}
