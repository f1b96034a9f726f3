import { readFileSync } from 'node:fs';

import { Command, Option } from 'commander';

import { ACKS } from '../options/client-options.js';
import { PAYLOAD_KINDS } from '../options/payload-kind.js';
import type { BenchFlags } from './commands/bench.js';
import type { CallFlags } from './commands/call.js';
import type { EmitFlags } from './commands/emit.js';
import type { HealthFlags } from './commands/health.js';
import type { ListFlags } from './commands/list.js';
import type { PingFlags } from './commands/ping.js';
import { EXIT, EXIT_CODES_HELP } from './exit-codes.js';
import type { Io } from './io.js';
import { collectMetadata, countUpTo, parseRate, parseTime, timeFrom } from './parse.js';

const TARGET = 'host:port, host (port 8001), :port, [ipv6]:port or unix:/path';
const PATTERN = "the handler's pattern; one that is an object as JSON";
/** The variable in the environment that has the token. */
const TOKEN = 'XTCP_AUTH';
const MOST = 1_000_000_000;
/** A server takes 1000 frames without a call in a second (docs/protocol.md, "Floods"). */
const LEAST_PING_INTERVAL_MS = 2;

/** The commands. Each is loaded when it runs, so that none waits for what only others need. */
export function makeProgram(io: Io): { program: Command; state: { exitCode: number } } {
  // Set to nothing is not set, as with NO_COLOR.
  if (process.env[TOKEN] === '') delete process.env[TOKEN];
  const state: { exitCode: number } = { exitCode: EXIT.ok };
  const ended = (code: number): void => {
    state.exitCode = code;
  };
  const program = new Command('xtcp')
    .description('Calls, watches and measures services that speak xtcp.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.out.write(text).catch(() => {}),
      writeErr: (text) => void io.err.write(text).catch(() => {}),
      // Told in one line, when it has come to the end.
      outputError: () => {},
      getOutHelpWidth: () => io.out.width,
      getErrHelpWidth: () => io.err.width,
      getOutHasColors: () => io.out.colors.isColorSupported,
      getErrHasColors: () => io.err.colors.isColorSupported,
    })
    .configureHelp({ styleTitle: (text) => io.out.colors.bold(text), subcommandTerm: (command) => command.name() })
    .version(readVersion(), '--version', 'print the version of nestjs-xtcp')
    .helpOption('-h, --help', 'print this')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', `\n${EXIT_CODES_HELP}\n${example('xtcp call localhost:8001 toupper xiaoxiao')}`);

  withConnection(
    withCall(withData(program.command('call')))
      .description('Call a handler and print its answer, each value of a stream as it comes.')
      .addOption(
        new Option('--stream-in', 'send stdin to the handler as a stream, an item for each line (--json: JSON lines)'),
      )
      .addOption(timeout('0', 'how long the call may take in all; 0 for any time'))
      .option('-v, --verbose', 'tell on stderr of metadata, details of errors and the time that it took')
      .addHelpText('after', example('xtcp call localhost:8001 toupper xiaoxiao')),
  ).action(async (target: string, pattern: string, data: string | undefined, flags: CallFlags) => {
    ended(await (await import('./commands/call.js')).call(io, target, pattern, data, flags));
  });

  withConnection(
    withCall(withData(program.command('emit')))
      .description('Emit an event.')
      .addOption(
        new Option('--ack <when>', 'succeed when it was written, handed to its handlers, or handled by all of them')
          .choices(ACKS)
          .default('received'),
      )
      .addOption(timeout('10s', 'how long it may take; 0 for any time'))
      .addHelpText('after', example(`xtcp emit localhost:8001 note --json '{"text":"hello"}' --ack handled`)),
  ).action(async (target: string, pattern: string, data: string | undefined, flags: EmitFlags) => {
    ended(await (await import('./commands/emit.js')).emit(io, target, pattern, data, flags));
  });

  withConnection(
    program
      .command('ping')
      .description('Measure the round trip to a server, in which no handler takes part.')
      .argument('<target>', TARGET)
      .addOption(new Option('-c, --count <n>', 'stop behind so many').argParser(countUpTo(MOST)))
      .addOption(time('-i, --interval <time>', '1s', 'between two of them', timeFrom(LEAST_PING_INTERVAL_MS)))
      .addOption(time('--timeout <time>', '5s', 'when one that has no answer counts as lost', timeFrom(1)))
      .option('--json', 'print the summary alone, as JSON')
      .addHelpText('after', example('xtcp ping localhost:8001 -c 4')),
  ).action(async (target: string, flags: PingFlags) => {
    ended(await (await import('./commands/ping.js')).ping(io, target, flags));
  });

  withConnection(
    program
      .command('list')
      .description('List what a server answers to, with payloads and descriptions where they are known.')
      .argument('<target>', TARGET)
      .option('--json', 'print all that the server tells, JSON Schemas included')
      .addOption(timeout('10s', 'how long it may take; 0 for any time'))
      .addHelpText('after', example('xtcp list localhost:8001')),
  ).action(async (target: string, flags: ListFlags) => {
    ended(await (await import('./commands/list.js')).list(io, target, flags));
  });

  withConnection(
    program
      .command('health')
      .description('Print whether a server, or one service of it, is SERVING; exits with 7 where it is not.')
      .argument('<target>', TARGET)
      .argument('[service]', 'the name of a service')
      .option('--json', 'print the whole answer')
      .addOption(timeout('10s', 'how long it may take; 0 for any time'))
      .addHelpText('after', example('xtcp health localhost:8001 && echo ready')),
  ).action(async (target: string, service: string | undefined, flags: HealthFlags) => {
    ended(await (await import('./commands/health.js')).health(io, target, service, flags));
  });

  withConnection(
    withCall(withData(program.command('bench'), '--json-data'))
      .description('Call a handler over and over, and print the rate, the latencies and the failures.')
      .addOption(
        new Option(
          '-c, --concurrency <n>',
          'calls in flight at once (default: 64; with --rate, 100 a connection)',
        ).argParser(countUpTo(1_000_000)),
      )
      .addOption(new Option('-d, --duration <time>', 'for how long (default: 10s)').argParser(timeFrom(1)))
      .addOption(
        new Option('-n, --requests <n>', 'stop behind so many calls').argParser(countUpTo(MOST)).conflicts('duration'),
      )
      .addOption(
        new Option(
          '--connections <n>',
          'connections (default: 1 for each 100 in flight; --classic: 1 for each)',
        ).argParser(countUpTo(10_000)),
      )
      .addOption(
        new Option('--rate <n>', 'calls a second, made when they are due, whatever the server does').argParser(
          parseRate,
        ),
      )
      .addOption(time('--warm-up <time>', '0', 'make calls for so long first, and do not count them'))
      .addOption(timeout('30s', 'how long one call may take; 0 for any time'))
      .option('--json', 'print the result as JSON')
      .addHelpText('after', example('xtcp bench localhost:8001 toupper xiaoxiao -c 64 -d 10s')),
  ).action(async (target: string, pattern: string, data: string | undefined, flags: BenchFlags) => {
    ended(await (await import('./commands/bench.js')).bench(io, target, pattern, data, flags));
  });

  return { program, state };
}

/** @param json the flag for JSON; in commands that report, `--json` is how they do */
function withData(command: Command, json = '--json'): Command {
  return command
    .argument('<target>', TARGET)
    .argument('<pattern>', PATTERN)
    .argument('[data]', 'text to send; - for stdin; nothing is sent where there is none')
    .option(`${json} [value]`, 'send this JSON value; without one, read the data that is given otherwise as JSON')
    .option('--file <path>', `send the bytes of a file, - for those of stdin; with ${json}, the JSON in it`);
}

function withCall(command: Command): Command {
  return command
    .addOption(
      new Option('--meta <key=value>', 'metadata to send with it; may be given again').argParser(collectMetadata),
    )
    .option('--msgpack', 'send values that are neither text nor bytes as MessagePack (needs the package msgpackr)')
    .addOption(new Option('--payload <kind>', 'how a classic answer is read').choices(PAYLOAD_KINDS).default('text'));
}

function withConnection(command: Command): Command {
  const group = 'Connection:';
  const options = [
    new Option('--tls', 'speak TLS; each of the next five asks for it, too'),
    new Option('--ca <file>', 'whom to trust, as PEM'),
    new Option('--cert <file>', "this client's certificate, as PEM"),
    new Option('--key <file>', 'its key, as PEM'),
    new Option('--servername <name>', "the name that the server's certificate has to have"),
    new Option('--insecure', 'take any certificate'),
    new Option('--auth <token>', 'the token for the server; in the environment it is not seen among the processes').env(
      TOKEN,
    ),
    new Option('--classic', 'speak xtcp 0.2, without asking whether the server speaks sessions').conflicts([
      'auth',
      'msgpack',
    ]),
    time('--connect-timeout <time>', '2s', 'how long opening a connection may take; 0 for any time'),
  ];
  for (const option of options) command.addOption(option.helpGroup(group));
  return command;
}

function time(flags: string, fallback: string, what: string, parse: (text: string) => number = parseTime): Option {
  return new Option(flags, what).argParser(parse).default(parse(fallback), fallback);
}

function timeout(fallback: string, what: string): Option {
  return time('--timeout <time>', fallback, what);
}

function example(line: string): string {
  return `\nExample:\n  $ ${line}`;
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
