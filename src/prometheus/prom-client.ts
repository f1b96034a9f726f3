import { createRequire } from 'node:module';

import type * as PromClient from 'prom-client';

import { XtcpError } from '../errors/xtcp-error.js';

/** What this room needs of prom-client. */
export type Prometheus = Pick<typeof PromClient, 'Counter' | 'Gauge' | 'Histogram' | 'register'>;

/** Whichever text its metrics are given as. */
export type Register = PromClient.Registry | PromClient.Registry<PromClient.OpenMetricsContentType>;

let loaded: Prometheus | undefined;
let missing = false;

/** prom-client, where this optional peer dependency is installed. */
export function findPrometheus(): Prometheus | undefined {
  if (loaded === undefined && !missing) {
    try {
      loaded = createRequire(import.meta.url)('prom-client') as Prometheus;
    } catch {
      missing = true;
    }
  }
  return loaded;
}

/** As {@link findPrometheus}. @throws {XtcpError} INVALID_ARGUMENT where prom-client is not installed. */
export function requirePrometheus(asker: string): Prometheus {
  const prometheus = findPrometheus();
  if (prometheus !== undefined) return prometheus;
  throw new XtcpError('INVALID_ARGUMENT', `${asker} needs the package prom-client: npm install prom-client`);
}
