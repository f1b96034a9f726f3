import type { ConnectionOptions, TlsOptions } from 'node:tls';

import { XtcpError } from '../errors/xtcp-error.js';
import type { OptionReader } from './check.js';

/** The class whose `tlsOptions` they are, for messages. */
export type TlsOwner = 'XtcpServer' | 'XtcpClient';

type AnyTlsOptions = TlsOptions & ConnectionOptions;

/** The versions that are spoken, the oldest first: what is before them is broken. */
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

/** Members that make up one identity: of a new one, nothing of the old may be left. */
const IDENTITY = ['key', 'cert', 'pfx', 'passphrase'] as const;

/** What this package sets by itself, or what would get round the least version. */
const NOT_TAKEN: Readonly<Record<TlsOwner, readonly (keyof AnyTlsOptions)[]>> = {
  XtcpServer: ['secureContext', 'secureProtocol'],
  XtcpClient: ['secureContext', 'secureProtocol', 'host', 'port', 'path', 'socket'],
};

/** What Node lets a listening server exchange; the rest is settled when it is made. */
const REPLACEABLE: ReadonlySet<string> = new Set([
  ...IDENTITY,
  'ca',
  'crl',
  'minVersion',
  'maxVersion',
  'ciphers',
  'sigalgs',
  'ecdhCurve',
  'dhparam',
  'honorCipherOrder',
  'secureOptions',
  'ticketKeys',
]);

/** The option `tlsOptions` of either side, with TLS 1.2 as the least version; undefined where there is none. */
export function readTlsOptions<Options extends { tlsOptions?: TlsOptions | ConnectionOptions | undefined }>(
  owner: TlsOwner,
  read: OptionReader<Options>,
): Options['tlsOptions'] {
  const given = read.object('tlsOptions');
  return given === undefined ? undefined : { minVersion: VERSIONS[0], ...checkTlsOptions(owner, given) };
}

/**
 * TLS options without what is undefined. The least version is left as open as it was: what replaces other options is
 * not to lower theirs.
 * @throws {XtcpError} INVALID_ARGUMENT, naming the member that is wrong
 */
export function checkTlsOptions<Options extends TlsOptions | ConnectionOptions>(
  owner: TlsOwner,
  given: Options,
): Options {
  if (typeof given !== 'object' || given === null) throw wrongTlsOptions(owner, 'they are no object');
  const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as AnyTlsOptions;
  for (const name of NOT_TAKEN[owner]) {
    if (options[name] !== undefined) throw wrongTlsOptions(owner, `"${name}" is not taken here`);
  }
  for (const name of ['minVersion', 'maxVersion'] as const) {
    const version: string | undefined = options[name];
    if (version === undefined || (VERSIONS as readonly string[]).includes(version)) continue;
    throw wrongTlsOptions(owner, `"${name}" takes ${VERSIONS.join(', ')}`);
  }
  const { minVersion = VERSIONS[0], maxVersion = minVersion } = options;
  if (maxVersion < minVersion) {
    throw wrongTlsOptions(owner, '"maxVersion" is before "minVersion"');
  }
  return options as Options;
}

/**
 * What is in force after some of `current` were replaced: what `given` leaves out stays, but that a new key or
 * certificate takes the place of the whole old identity.
 */
export function mergeTlsOptions<Options extends TlsOptions | ConnectionOptions>(
  current: Options,
  given: Options,
): Options {
  const kept: Record<string, unknown> = { ...current };
  if (IDENTITY.some((name) => given[name] !== undefined)) for (const name of IDENTITY) delete kept[name];
  return { ...kept, ...given };
}

/** @throws {XtcpError} INVALID_ARGUMENT where `given` would change what a server cannot change while it lives */
export function checkReplaceable(owner: TlsOwner, current: TlsOptions, given: TlsOptions): void {
  for (const [name, value] of Object.entries(given)) {
    if (REPLACEABLE.has(name) || value === current[name as keyof TlsOptions]) continue;
    throw wrongTlsOptions(owner, `"${name}" cannot be replaced while the server lives`);
  }
}

/** @param what says which member is wrong and how; it never quotes one, since they are secret */
export function wrongTlsOptions(owner: TlsOwner, what: string): XtcpError {
  return new XtcpError('INVALID_ARGUMENT', `${owner}: the option "tlsOptions" is wrong: ${what}`);
}
