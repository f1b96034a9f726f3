import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** setTimeout's own limit. */
const LONGEST_MS = 2 ** 31 - 1;

/** Milliseconds of a time such as `500ms`, `2s`, `1.5m`; 0 needs no unit. */
export function parseTime(text: string): number {
  if (text === '0') return 0;
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError('A time is a number with ms, s, m or h: 500ms, 2s, 1m.');
  const ms = Number(number) * UNITS[unit]!;
  if (ms > LONGEST_MS) throw new InvalidArgumentError('That is longer than 24 days.');
  return ms;
}

/** As {@link parseTime}, for what needs at least `leastMs`. */
export function timeFrom(leastMs: number): (text: string) => number {
  return (text) => {
    const ms = parseTime(text);
    if (ms < leastMs) throw new InvalidArgumentError(`The least is ${leastMs}ms.`);
    return ms;
  };
}

/** A whole number from 1 to `most`. */
export function countUpTo(most: number): (text: string) => number {
  return (text) => {
    const count = /^\d+$/.test(text) ? Number(text) : 0;
    if (count < 1 || count > most) throw new InvalidArgumentError(`It takes a whole number from 1 to ${most}.`);
    return count;
  };
}

/** A number above 0, with or without a fraction. */
export function parseRate(text: string): number {
  const rate = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : 0;
  if (rate <= 0 || rate > 1e7) throw new InvalidArgumentError('It takes calls a second, above 0.');
  return rate;
}

/** One more `key=value`; the value may have further `=` in it, or be empty. */
export function collectMetadata(text: string, sofar: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Metadata is key=value.');
  return { ...sofar, [text.slice(0, at)]: text.slice(at + 1) };
}
