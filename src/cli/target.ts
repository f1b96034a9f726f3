import { isIPv6 } from 'node:net';

import { DEFAULT_HOST, DEFAULT_PORT, type Endpoint } from '../options/endpoint.js';
import { UsageError } from './usage-error.js';

const FORMS = 'a target is host:port, host, :port, [ipv6]:port or unix:/path';
const UNIX = 'unix:';
const MOST_PORT = 65_535;

/**
 * Where to call, as it is typed: `host:port`, `host` (port 8001), `:port` (this machine), `[::1]:8001`, `::1` or
 * `unix:/run/upper.sock`.
 * @throws {UsageError} where it is none of these
 */
export function parseTarget(text: string): Endpoint {
  const wrong = (why: string): UsageError => new UsageError(`the target ${JSON.stringify(text)} ${why}; ${FORMS}`);
  if (text.startsWith(UNIX)) {
    const path = text.slice(UNIX.length);
    if (path === '') throw wrong('has no path');
    return { path };
  }
  if (text.includes('://')) throw wrong('is a URL');
  if (isIPv6(text)) return { host: text, port: DEFAULT_PORT };
  const [, bracketed, plain = '', port] = /^(?:\[([^\]]*)\]|([^:[\]/\s]*))(?::(\d*))?$/.exec(text) ?? [];
  if (bracketed !== undefined && !isIPv6(bracketed)) throw wrong('has no IPv6 address between its brackets');
  const host = bracketed ?? plain;
  if (host === '' && port === undefined) throw wrong(text === '' ? 'is empty' : 'cannot be read');
  if (/^\d+$/.test(host)) throw wrong(`has only a number for its host (:${host} is that port of this machine)`);
  if (port === '') throw wrong('has no port behind its colon');
  const number = port === undefined ? DEFAULT_PORT : Number(port);
  if (number < 1 || number > MOST_PORT) throw wrong(`has a port that is not from 1 to ${MOST_PORT}`);
  return { host: host === '' ? DEFAULT_HOST : host, port: number };
}
