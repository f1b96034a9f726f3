import { oneLine } from '../failure-line.js';
import { count, formatBound, formatBytes, formatMs, formatNumber } from '../figures.js';
import type { Colors } from '../output.js';
import type { Bin } from './bins.js';
import { PERCENTILES, type Latency, type Result } from './result.js';

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;
const LEAST_BAR = 10;
const LABEL = 10;

/** A result for people, in lines of at most `width` columns. */
export function reportOf(result: Result, width: number, colors: Colors): string[] {
  const { bold, red, yellow } = colors;
  const { sent, received } = result.bytesPerSecond;
  const failed = result.failed === 0 ? '' : `, ${red(`${formatNumber(result.failed)} failed`)}`;
  const lines = [
    bold(`${oneLine(result.pattern)} at ${result.target}`) + `, ${how(result)}`,
    '',
    fact('calls', `${formatNumber(result.calls)} in ${formatMs(result.seconds * 1000)}${failed}`),
    fact('rate', bold(`${formatNumber(Math.round(result.callsPerSecond))} calls/s`)),
    fact('bytes', `${formatBytes(sent)}/s sent, ${formatBytes(received)}/s received`),
  ];
  if (result.late !== null) lines.push(fact('late', lateness(result.late, yellow)));
  if (result.latencyMs !== null) {
    lines.push('', bold('  latency'), ...latencyTable(result.latencyMs));
    lines.push('', ...histogram(result.histogram, width, colors));
  }
  const failures = Object.entries(result.failures);
  if (failures.length > 0) {
    lines.push('', bold('  failures'));
    const longest = Math.max(...failures.map(([code]) => code.length));
    for (const [code, { count: number, message }] of failures) {
      const line = `    ${formatNumber(number).padStart(9)}  ${red(code.padEnd(longest))}  `;
      const room = width - 4 - 9 - 2 - longest - 2;
      lines.push(line + cut(oneLine(message), room));
    }
  }
  return lines;
}

function fact(name: string, value: string): string {
  return `  ${name.padEnd(LABEL)}${value}`;
}

function how({ concurrency, connections, rate }: Result): string {
  const over = count(connections, 'connection');
  if (rate === null) return `${count(concurrency, 'call')} in flight on ${over}`;
  return `${count(rate, 'call')} due in a second, at most ${formatNumber(concurrency)} in flight on ${over}`;
}

function lateness({ calls, mostMs, unsent }: NonNullable<Result['late']>, yellow: Colors['yellow']): string {
  if (calls === 0 && unsent === 0) return 'none: each call was made when it was due';
  const made = calls === 0 ? [] : [`${count(calls, 'call')} made late, by ${formatMs(mostMs)} at most`];
  return yellow([...made, ...(unsent === 0 ? [] : [`${formatNumber(unsent)} due and not made`])].join('; '));
}

function latencyTable(latency: Latency): string[] {
  const names = [...(Object.keys(PERCENTILES) as (keyof typeof PERCENTILES)[]), 'max', 'mean'] as const;
  const cells = names.map((name) => [name, formatMs(latency[name])] as const);
  const widths = cells.map(([name, value]) => Math.max(name.length, value.length) + 2);
  const row = (texts: readonly string[]): string => `  ${texts.map((text, at) => text.padStart(widths[at]!)).join('')}`;
  return [row(cells.map(([name]) => name)), row(cells.map(([, value]) => value))];
}

/** A bar of block characters for each bin, an eighth of a column fine; the largest takes all the room. */
function histogram(bins: readonly Bin[], width: number, { bold, cyan, dim }: Colors): string[] {
  const most = Math.max(...bins.map((bin) => bin.count));
  const all = bins.reduce((sum, bin) => sum + bin.count, 0);
  const froms = bins.map(({ fromMs }) => formatBound(fromMs));
  const counts = bins.map((bin) => formatNumber(bin.count));
  const fromWidth = Math.max('from'.length, ...froms.map((text) => text.length));
  const countWidth = Math.max('calls'.length, ...counts.map((text) => text.length));
  const prefix = (from: string, number: string, share: string): string =>
    `    ${from.padStart(fromWidth)}  ${number.padStart(countWidth)}  ${share.padStart(6)}  `;
  const room = Math.max(LEAST_BAR, width - prefix('', '', '').length);
  return [
    bold(prefix('from', 'calls', '%').trimEnd()),
    ...bins.map((bin, at) => {
      const share = ((bin.count / all) * 100).toFixed(1);
      const line = prefix(froms[at]!, counts[at]!, share);
      return (bin.count === 0 ? dim(line) : line) + cyan(bar(bin.count / most, room));
    }),
  ].map((line) => line.trimEnd());
}

function bar(share: number, room: number): string {
  const eighths = share === 0 ? 0 : Math.max(1, Math.round(share * room * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]!;
}

function cut(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, Math.max(1, room - 1))}…`;
}
