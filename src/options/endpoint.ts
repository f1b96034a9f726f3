import type { OptionReader } from './check.js';

export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_PORT = 8001;

/** Where to dial or listen: a TCP address, or a Unix domain socket. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };

export interface EndpointOptions {
  /** Host name or address. Default `'127.0.0.1'`. */
  host?: string | undefined;
  /** TCP port. Default 8001. */
  port?: number | undefined;
  /** Path of a Unix domain socket, in the place of `host` and `port`. */
  path?: string | undefined;
}

/** @param leastPort 0 where the system may pick the port, else 1 */
export function readEndpoint(read: OptionReader<EndpointOptions>, leastPort: 0 | 1): Endpoint {
  read.notBoth('path', 'host');
  read.notBoth('path', 'port');
  if (read.has('path')) return { path: read.text('path', '') };
  return { host: read.text('host', DEFAULT_HOST), port: read.integer('port', DEFAULT_PORT, leastPort, 65_535) };
}

/** An endpoint as messages show it: `127.0.0.1:8001`, `[::1]:8001` or `unix:/run/upper.sock`. */
export function formatEndpoint(endpoint: Endpoint): string {
  if ('path' in endpoint) return `unix:${endpoint.path}`;
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return `${host}:${endpoint.port}`;
}
