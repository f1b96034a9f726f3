import type { LoggerService } from '@nestjs/common';

import type { MetricsRegister, ResolvedProbes } from '../options/probes.js';
import { defaultRegister } from '../prometheus/default-register.js';
import type { HealthStatus, ServerHealth } from './health.js';

/** An answer over HTTP. */
export interface Page {
  readonly status: number;
  readonly text: string;
  /** Default: plain text. */
  readonly contentType?: string;
}

/** What gives each page, by its path. */
export type Pages = ReadonlyMap<string, () => Page | Promise<Page>>;

/** The pages of a server's probes. */
export function probePages({ metrics }: ResolvedProbes, health: ServerHealth, logger: LoggerService): Pages {
  const pages = new Map<string, () => Page | Promise<Page>>()
    .set('/livez', () => ({ status: 200, text: 'alive' }))
    .set('/readyz', () => readyPage(health.status()));
  if (metrics !== 'none') pages.set('/metrics', metricsPage(metrics, logger));
  return pages;
}

function readyPage(status: HealthStatus): Page {
  if (status === 'SERVING') return { status: 200, text: 'ready' };
  return { status: 503, text: `not ready: ${status === 'DRAINING' ? 'draining' : 'not serving'}` };
}

function metricsPage(
  metrics: MetricsRegister | 'default' | 'withheld',
  logger: LoggerService,
): () => Page | Promise<Page> {
  if (metrics === 'withheld') {
    const text =
      'metrics are for whoever asks, and this server authenticates its clients; probes: { metrics: true } allows it';
    return () => ({ status: 403, text });
  }
  const register = metrics === 'default' ? defaultRegister() : metrics;
  if (register !== undefined) return () => read(register, logger);
  return () => ({ status: 501, text: 'metrics need the package prom-client: npm install prom-client' });
}

async function read(register: MetricsRegister, logger: LoggerService): Promise<Page> {
  try {
    return { status: 200, text: await register.metrics(), contentType: register.contentType };
  } catch (error) {
    logger.error(error);
    return { status: 500, text: 'the metrics could not be gathered; the log of the server says why' };
  }
}
