import { describe, expect, it } from 'vitest';

import { startCliService } from './service.js';
import { exited, startXtcp, xtcp } from './xtcp.js';

const TIME = '\\d[\\d,.]* (?:µs|ms|s)';
const BYTES = '\\d[\\d,.]* (?:B|KB|MB|GB)';

/** One line of the report. */
function line(pattern: string): RegExp {
  return new RegExp(`^${pattern}$`);
}

/** The rows of the histogram: their counts, and how long their bars are. */
function rowsOf(stdout: string): { count: number; bar: number }[] {
  const rows = [...stdout.matchAll(/^ +[\d.]+ (?:µs|ms|s) +([\d,]+) +[\d.]+(?: {2}([█▉▊▋▌▍▎▏]+))?$/gm)];
  return rows.map(([, count = '', bar = '']) => ({ count: Number(count.replaceAll(',', '')), bar: bar.length }));
}

describe('xtcp bench', () => {
  it('prints rate, latencies and a histogram of so many calls, in 80 columns', async () => {
    const { target } = await startCliService();
    const { stdout, ...exit } = await xtcp(['bench', target, 'toupper', 'xiaoxiao', '-n', '2000', '-c', '8']);
    expect(exit).toEqual({ code: 0, signal: null, stderr: '' });
    const lines = stdout.split('\n');
    const expected = [
      line(`toupper at ${target}, 8 calls in flight on 1 connection`),
      line(''),
      line(`  calls     2,000 in ${TIME}`),
      line('  rate      [\\d,]+ calls/s'),
      line(`  bytes     ${BYTES}/s sent, ${BYTES}/s received`),
      line(''),
      line('  latency'),
      line('  +p50 +p75 +p90 +p99 +p99.9 +max +mean'),
      line(`  (?: +${TIME}){7}`),
      line(''),
      line(' +from +calls +%'),
    ];
    expect(lines.slice(0, expected.length)).toEqual(expected.map((one) => expect.stringMatching(one) as string));
    const rows = rowsOf(stdout);
    expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(2000);
    expect(rows.length).toBe(lines.length - expected.length - 1);
    const widest = Math.max(...lines.map(({ length }) => length));
    expect(widest).toBe(80);
    const most = rows.reduce((one, other) => (other.count > one.count ? other : one));
    expect(most.bar).toBe(Math.max(...rows.map(({ bar }) => bar)));
  });

  it('prints the same as JSON', async () => {
    const { target } = await startCliService();
    const { stdout, ...exit } = await xtcp(['bench', target, 'toupper', 'a', '-n', '300', '-c', '150', '--json']);
    expect(exit).toEqual({ code: 0, signal: null, stderr: '' });
    const number = expect.any(Number) as number;
    const result = JSON.parse(stdout) as {
      latencyMs: Record<string, number>;
      histogram: { fromMs: number; toMs: number; count: number }[];
      bytesPerSecond: { sent: number; received: number };
      seconds: number;
    };
    expect(result).toEqual({
      target,
      pattern: 'toupper',
      concurrency: 150,
      connections: 2,
      rate: null,
      seconds: number,
      calls: 300,
      failed: 0,
      callsPerSecond: number,
      latencyMs: {
        min: number,
        mean: number,
        p50: number,
        p75: number,
        p90: number,
        p99: number,
        'p99.9': number,
        max: number,
      },
      histogram: expect.any(Array) as unknown[],
      failures: {},
      bytesPerSecond: { sent: number, received: number },
      late: null,
    });
    const { min, p50, p99, max } = result.latencyMs as Record<'min' | 'p50' | 'p99' | 'max', number>;
    expect([min, p50, p99, max]).toEqual([min, p50, p99, max].toSorted((one, other) => one - other));
    expect(result.histogram.reduce((sum, { count }) => sum + count, 0)).toBe(300);
    expect(result.histogram[0]!.fromMs).toBeLessThanOrEqual(min);
    // Two connections said hello before; an answer of 1 byte takes 20, with an id of three digits.
    const received = result.bytesPerSecond.received * result.seconds;
    expect(received).toBeGreaterThan(300 * 15);
    expect(received).toBeLessThan(300 * 25);
  });

  it('makes calls when they are due, with --rate', async () => {
    const { target } = await startCliService();
    const exit = await xtcp(['bench', target, 'toupper', 'a', '--rate', '500', '-d', '400ms', '--json']);
    expect(exit).toMatchObject({ code: 0, stderr: '' });
    const result = JSON.parse(exit.stdout) as { calls: number; concurrency: number; late: { unsent: number } };
    expect(result).toMatchObject({ rate: 500, concurrency: 100, failed: 0 });
    expect(result.calls + result.late.unsent).toBe(200);
  });

  it('counts the latency of calls from when they were due, and shows those made late', async () => {
    const { target } = await startCliService();
    // One at a time, and each hangs until its own time is up: all but the first are late.
    const args = ['-c', '1', '-n', '4', '--rate', '1000', '--timeout', '50ms'];
    const { code, stdout } = await xtcp(['bench', target, 'hang', ...args, '--json']);
    expect(code).toBe(1);
    const result = JSON.parse(stdout) as { late: { calls: number; mostMs: number } };
    expect(result).toMatchObject({
      calls: 4,
      failed: 4,
      latencyMs: null,
      histogram: [],
      late: { calls: 3, unsent: 0 },
    });
    expect(result.late.mostMs).toBeGreaterThan(140);
  });

  it('counts failures by code, and exits with 1', async () => {
    const { target } = await startCliService();
    const { code, stdout, stderr } = await xtcp(['bench', target, 'nobody', 'a', '-n', '100', '-c', '4']);
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout).toMatch(/^ {2}calls {5}100 in [^\n]*, 100 failed$/m);
    expect(stdout).toMatch(/^ {2}failures\n {10}100 {2}UNIMPLEMENTED {2}There is no matching message handler defined/m);
    expect(stdout).not.toContain('latency');
  });

  it('ends early at SIGINT, tells what it has so far, and cancels what runs', async () => {
    const { target, seen } = await startCliService();
    const program = startXtcp(['bench', target, 'hang', '-c', '3', '-d', '1h']);
    await seen.until(() => seen.items === 3);
    program.signal('SIGINT');
    const { code, stdout, stderr } = await program.exit;
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^ {2}calls {5}0 in /m);
    await seen.until(() => seen.cancelled === 3);
  });

  it('makes calls that it does not count, to warm up', async () => {
    const { target, seen } = await startCliService();
    const exit = await xtcp(['bench', target, 'count', '1', '-n', '10', '--warm-up', '100ms', '--json']);
    expect(JSON.parse(exit.stdout)).toMatchObject({ calls: 10, failed: 0 });
    expect(seen.counts).toBeGreaterThan(10);
  });

  it('measures classic servers, over a connection for each call in flight', async () => {
    const { target } = await startCliService();
    const exit = await xtcp(['bench', target, 'toupper', 'a', '-n', '50', '-c', '5', '--classic', '--json']);
    expect(exit).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(exit.stdout)).toMatchObject({ calls: 50, failed: 0, concurrency: 5, connections: 5 });
  });

  it('sends JSON and metadata, as calls do', async () => {
    const { target } = await startCliService();
    const args = ['--json-data', '[1]', '--meta', 'a=b', '--msgpack', '-n', '5'];
    expect(await xtcp(['bench', target, 'describe', ...args])).toMatchObject({ code: 0, stderr: '' });
    expect(await xtcp(['bench', target, 'describe', '--json-data', '[1'])).toEqual(
      exited(2, '', expect.stringMatching(/^xtcp: INVALID_ARGUMENT: --json-data is not JSON: /) as string),
    );
  });
});
