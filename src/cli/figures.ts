const MS_PER_SECOND = 1000;
const BYTE_UNITS = ['B', 'KB', 'MB', 'GB'] as const;

/** A number with as many digits as tell something, and commas between the thousands. */
export function formatNumber(value: number): string {
  const digits = value >= 100 || Number.isInteger(value) ? 0 : value >= 10 ? 1 : 2;
  return value.toFixed(digits).replaceAll(/\B(?=(?:\d{3})+(?!\d))(?<!\.\d*)/g, ',');
}

/** A time in the unit that fits. */
export function formatMs(ms: number): string {
  if (ms >= MS_PER_SECOND) return `${formatNumber(ms / MS_PER_SECOND)} s`;
  const us = Math.round(ms * MS_PER_SECOND);
  return us < MS_PER_SECOND ? `${us} µs` : `${formatNumber(ms)} ms`;
}

/** As {@link formatMs}, without zeros behind the point; for bounds, which are round. */
export function formatBound(ms: number): string {
  const [value, unit] =
    ms >= MS_PER_SECOND ? [ms / MS_PER_SECOND, 's'] : ms >= 1 ? [ms, 'ms'] : [ms * MS_PER_SECOND, 'µs'];
  return `${Number(value.toPrecision(3))} ${unit}`;
}

/** Bytes in the unit that fits. */
export function formatBytes(bytes: number): string {
  const power = Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${formatNumber(bytes / 1024 ** power)} ${BYTE_UNITS[power]}`;
}

/** A count with its noun, in the plural where there is not one. */
export function count(number: number, noun: string): string {
  return `${formatNumber(number)} ${noun}${number === 1 ? '' : 's'}`;
}
