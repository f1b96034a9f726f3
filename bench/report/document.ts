import { failedOf, judge, type Verdict } from '../check.js';
import { CONTENDERS } from '../contenders/contenders.js';
import type { Machine } from '../machine.js';
import {
  contenderOf,
  figureOf,
  METRICS,
  ratioOf,
  type ContenderResult,
  type LoadResult,
  type Metric,
  type Pace,
  type Results,
} from '../results.js';
import { TARGETS } from '../targets.js';
import { describeFailure, formatBytes, formatFigure, formatNumber, formatRatio } from './format.js';
import type { Plot } from './plots.js';

const INTRODUCTION = `# Benchmarks

How fast calls are with this library, compared with Nest's own TCP and gRPC transports and with **the limit**: the least
that a Nest transport can do over one connection, which is a 4-byte length and id in front of each value, the Nest
handler called directly, and a bare promise at the client.

Each server and each client is a real Nest application in a process of its own, on the loopback of one machine, called
as an application calls it: \`lastValueFrom(client.send('echo', value))\`. The contenders take turns in rounds, behind a
warm-up; a multiple is the median of the rounds' multiples, with the quartiles in parentheses. "32 B × 64" is a payload
of 32 bytes with 64 calls in flight. All contenders have one connection and their default options, but for \`maxCalls\`
of \`XtcpServer\`, which is more than the load has in flight, as the others have no such limit.`;

const AGAIN = `## Running it again

\`\`\`sh
npm ci && npm run bench     # measures all of this, and writes this page; takes half an hour
npm run bench -- --check    # exits with 1 where a target is missed
npm run bench -- --quick --only 'Buffer'
npm run bench -- --help
\`\`\`

Close what else uses the machine. The first connections to 10,000 need \`ulimit -n\` to allow as many files; where it
does not, there are fewer.`;

/** The page docs/benchmarks.md. */
export function document(results: Results, plots: readonly Plot[]): string {
  const { machine, pace, loads } = results;
  return `${[
    INTRODUCTION,
    ...plots.map(picture),
    '## The machine',
    describe(machine, pace),
    '## Targets',
    'What the library is to reach, against what was measured; `npm run bench -- --check` holds it to "at least".',
    targetsTable(loads),
    '## All figures',
    ...loads.flatMap((load) => [`### ${load.name}`, loadTable(load)]),
    AGAIN,
  ].join('\n\n')}\n`;
}

/** The plot that fits the reader's theme. */
export function picture({ name, alt }: Plot): string {
  return `<picture>
  <source media="(prefers-color-scheme: dark)" srcset="benchmarks/${name}-dark.svg">
  <img alt="${alt}" src="benchmarks/${name}-light.svg">
</picture>`;
}

function describe({ cpu, cores, memoryBytes, kernel, node, versions }: Machine, pace: Pace): string {
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return table(
    ['', ''],
    [
      ['CPU', `${cpu}, ${cores} cores`],
      ['memory', formatBytes(memoryBytes)],
      ['kernel', kernel],
      ['Node', node],
      ['packages', packages.join(', ')],
      ['rounds', `${pace.rounds} of ${pace.roundMs} ms for each contender, behind ${pace.warmUpMs} ms of warm-up`],
    ],
  );
}

function targetsTable(loads: readonly LoadResult[]): string {
  const rows = judge(TARGETS, loads).map((verdict) => {
    const { load, metric, against, atLeast, aim } = verdict.target;
    const { title, better } = METRICS[metric];
    return [
      `${load}: ${title}`,
      against === undefined ? '–' : CONTENDERS[against].label,
      describeMeasured(verdict, loads),
      `${better === 'more' ? '≥' : '≤'} ${atLeast.toLocaleString('en-US')}`,
      aim.toLocaleString('en-US'),
      verdict.isMet ? 'yes' : '**no**',
    ];
  });
  return table(['load', 'as a multiple of', 'measured', 'at least', 'aim', 'met'], rows);
}

function describeMeasured({ target, measured }: Verdict, loads: readonly LoadResult[]): string {
  if (measured !== undefined) return formatRatio(measured);
  const load = loads.find(({ name }) => name === target.load);
  const failed = load && failedOf(target, load);
  return failed === undefined ? '–' : `${CONTENDERS[failed].label} failed`;
}

/** A column for each metric that any contender of the load has. */
function loadTable(load: LoadResult): string {
  const metrics = (Object.keys(METRICS) as Metric[]).filter((metric) =>
    load.contenders.some((contender) => figureOf(contender, metric) !== undefined),
  );
  const main: Metric = metrics.includes('heap') ? 'heap' : 'rate';
  const base = contenderOf(load, 'nest-tcp') ?? load.contenders[0];
  const head = [
    '',
    ...metrics.map((metric) => METRICS[metric].title),
    ...(base === undefined ? [] : [`× ${CONTENDERS[base.name].label}`]),
    'peak memory: client, server',
  ];
  const row = (contender: ContenderResult): string[] => {
    const ratio = ratioOf(contender, base, main);
    const memory = contender.peakMemory;
    return [
      CONTENDERS[contender.name].label,
      ...metrics.map((metric) => {
        const figure = figureOf(contender, metric);
        return figure === undefined ? '–' : formatFigure(metric, figure.median);
      }),
      ...(base === undefined ? [] : [ratio === undefined ? '–' : contender === base ? '1' : formatRatio(ratio)]),
      memory === undefined ? '–' : `${formatBytes(memory.client)}, ${formatBytes(memory.server)}`,
    ];
  };
  return table(head, load.contenders.map(row)) + throughput(load) + failures(load);
}

/** Where what counts is bytes: how many came in a second. */
function throughput({ name, contenders }: LoadResult): string {
  if (!name.startsWith('stream of 1 GB')) return '';
  const each = contenders.flatMap((contender) => {
    const rate = figureOf(contender, 'rate');
    const megabytes = ((rate?.median ?? 0) * 64) / 1024;
    return rate === undefined ? [] : [`${CONTENDERS[contender.name].label} ${formatNumber(megabytes)} MB/s`];
  });
  return `\n\nIn bytes: ${each.join(', ')}.`;
}

function failures({ contenders }: LoadResult): string {
  return contenders
    .filter(({ error }) => error !== undefined)
    .map((contender) => `\n\n${CONTENDERS[contender.name].label}: ${describeFailure(contender)}.`)
    .join('');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
