import { METRICS, type ContenderResult, type Metric, type Spread } from '../results.js';

/** A number with as many digits as tell something, and commas between the thousands. */
export function formatNumber(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/** A multiple with its quartiles. */
export function formatRatio({ median, low, high }: Spread): string {
  return `${formatNumber(median)} (${formatNumber(low)}–${formatNumber(high)})`;
}

/** Bytes in the unit that fits. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${formatNumber(bytes / 1024 ** power)} ${units[power]}`;
}

/** A figure with its unit. */
export function formatFigure(metric: Metric, value: number): string {
  switch (METRICS[metric].unit) {
    case 'µs':
      return value >= 1000 ? `${formatNumber(value / 1000)} ms` : `${formatNumber(value)} µs`;
    case 'bytes':
      return formatBytes(value);
    case 'per second':
      return `${formatNumber(value)}/s`;
  }
}

/** Why rounds of a contender have no figures, in a line. */
export function describeFailure({ rounds, error = '' }: ContenderResult): string {
  const failed = rounds.filter((figures) => Object.keys(figures).length === 0).length;
  const lines = error.split('\n');
  const reason = lines.find((line) => /^\w*Error: /.test(line)) ?? lines[0];
  return `${failed === 0 ? 'a warm-up' : `${failed} of ${rounds.length} rounds`} failed (${reason})`;
}
