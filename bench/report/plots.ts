import { CONTENDERS, type ContenderName } from '../contenders/contenders.js';
import { contenderOf, figureOf, ratioOf, type LoadResult, type Metric, type Results } from '../results.js';
import type { BarChart, BarSeries } from './bar-chart.js';
import { formatFigure, formatNumber } from './format.js';

/** A plot of docs/benchmarks.md. */
export interface Plot {
  /** Of its files, without the theme. */
  readonly name: string;
  /** What it shows, for who cannot see it. */
  readonly alt: string;
  readonly chart: BarChart;
}

/** The same in all plots, and readable on light and dark. */
const COLORS: Partial<Record<ContenderName, string>> = {
  session: '#2f81f7',
  classic: '#1b9e8f',
  'nest-tcp': '#e0234e',
  'nest-grpc': '#a371f7',
  limit: '#8b949e',
};

const SMALL = ['32 B × 1', '32 B × 64', '32 B × 512'];
const PAYLOADS = [
  '1 KB string × 64',
  '1 KB object × 64',
  '64 KB string × 16',
  '1 MB string × 4',
  '64 KB Buffer × 16',
  '1 MB Buffer × 4',
];
const PERCENTILES = { p50: 'p50', p99: 'p99', p999: 'p99.9' } as const;

/** The plots whose loads were all run. */
export function plotsOf({ loads }: Results): Plot[] {
  return [callsPlot(loads), payloadsPlot(loads), cpuPlot(loads), latencyPlot(loads)].filter(
    (plot) => plot !== undefined,
  );
}

/** The plot at the head of the README. */
function callsPlot(loads: readonly LoadResult[]): Plot | undefined {
  const shown = find(loads, SMALL);
  if (shown === undefined) return undefined;
  return {
    name: 'calls',
    alt: 'Calls per second with 1, 64 and 512 calls in flight, of this library, Nest TCP, Nest gRPC and the limit',
    chart: {
      title: 'Calls per second: 32 B, by calls in flight',
      categories: ['1 in flight', '64 in flight', '512 in flight'],
      series: (['session', 'classic', 'nest-tcp', 'nest-grpc', 'limit'] as const).map((name) =>
        seriesOf(
          name,
          shown.map((load) => figureOf(contenderOf(load, name), 'rate')?.median),
        ),
      ),
      format: (value) => formatNumber(Math.round(value)),
    },
  };
}

function payloadsPlot(loads: readonly LoadResult[]): Plot | undefined {
  const shown = find(loads, PAYLOADS);
  if (shown === undefined) return undefined;
  return {
    name: 'payloads',
    alt: 'Calls per second as a multiple of those of Nest TCP, for strings, objects and Buffers of 1 KB to 1 MB',
    chart: {
      title: 'Calls per second as a multiple of Nest TCP, by payload (logarithmic)',
      categories: shown.map((load) => {
        const isMeasured = figureOf(contenderOf(load, 'nest-tcp'), 'rate') !== undefined;
        return isMeasured ? load.name : `${load.name}\n(Nest TCP failed)`;
      }),
      series: (['session', 'nest-grpc', 'limit'] as const).map((name) =>
        seriesOf(
          name,
          shown.map((load) => ratioOf(contenderOf(load, name), contenderOf(load, 'nest-tcp'), 'rate')?.median),
        ),
      ),
      format: (value) => `${formatNumber(value)} ×`,
      isLogarithmic: true,
    },
  };
}

function cpuPlot(loads: readonly LoadResult[]): Plot | undefined {
  const [load] = find(loads, ['32 B × 64']) ?? [];
  if (load === undefined) return undefined;
  const names = ['session', 'classic', 'nest-tcp', 'nest-grpc', 'limit'] as const;
  const sideOf = (label: string, color: string, metric: Metric): BarSeries => ({
    label,
    color,
    values: names.map((name) => figureOf(contenderOf(load, name), metric)?.median),
  });
  return {
    name: 'cpu',
    alt: 'Microseconds of CPU for each call at the client and at the server, with 64 calls of 32 B in flight',
    chart: {
      title: 'CPU for each call: 32 B, 64 in flight',
      categories: names.map((name) => CONTENDERS[name].label),
      series: [sideOf('client', '#2f81f7', 'clientCpu'), sideOf('server', '#8250df', 'serverCpu')],
      format: (value) => formatFigure('cpu', value),
    },
  };
}

function latencyPlot(loads: readonly LoadResult[]): Plot | undefined {
  const [load] = find(loads, ['open loop, 32 B']) ?? [];
  if (load === undefined) return undefined;
  const percentiles = Object.keys(PERCENTILES) as (keyof typeof PERCENTILES)[];
  return {
    name: 'latency',
    alt: 'Latency at half the best rate of Nest TCP: median, 99th and 99.9th percentile',
    chart: {
      title: "Latency at half of Nest TCP's best rate, 32 B (logarithmic)",
      categories: Object.values(PERCENTILES),
      series: (['session', 'nest-tcp', 'limit'] as const).map((name) =>
        seriesOf(
          name,
          percentiles.map((metric) => figureOf(contenderOf(load, name), metric)?.median),
        ),
      ),
      format: (value) => formatFigure('p50', value),
      isLogarithmic: true,
    },
  };
}

function seriesOf(name: keyof typeof CONTENDERS, values: BarSeries['values']): BarSeries {
  return { label: CONTENDERS[name].label, color: COLORS[name]!, values };
}

/** The results of all of these loads, undefined where one was not run. */
function find(loads: readonly LoadResult[], names: readonly string[]): LoadResult[] | undefined {
  const found = names.map((name) => loads.find((load) => load.name === name)).filter((load) => load !== undefined);
  return found.length === names.length ? found : undefined;
}
