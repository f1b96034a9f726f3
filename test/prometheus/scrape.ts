import parsePrometheusTextFormat from 'parse-prometheus-text-format';
import { Registry } from 'prom-client';
import { onTestFinished } from 'vitest';

import { XtcpMetrics, type XtcpMetricsOptions } from '../../src/prometheus/index.js';

export type Labels = Readonly<Record<string, string>>;

/** What Prometheus would read of a register. */
export interface Scrape {
  /** Every family by its name, as a parser reads it. */
  readonly families: ReturnType<typeof parsePrometheusTextFormat>;
  readonly text: string;
  /** The value of a sample; undefined where there is none. */
  value(this: void, name: string, labels?: Labels): number | undefined;
}

/** @param register one in whichever text format */
export async function scrape(register: Pick<Registry, 'metrics'>): Promise<Scrape> {
  const text = await register.metrics();
  const samples = new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
  return {
    families: parsePrometheusTextFormat(text),
    text,
    value: (name, labels = {}) => {
      const inside = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
      return samples.get(inside.length === 0 ? name : `${name}{${inside.join(',')}}`);
    },
  };
}

/** Metrics in a register of their own, stopped when the test ends. */
export function metricsOf(options: XtcpMetricsOptions = {}): { register: Registry; metrics: XtcpMetrics } {
  const register = new Registry();
  const metrics = new XtcpMetrics({ register, ...options });
  onTestFinished(() => {
    metrics.stop();
  });
  return { register, metrics };
}
