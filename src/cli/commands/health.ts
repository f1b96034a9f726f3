import { escapeControls, quoteForMessage } from '../../errors/xtcp-error.js';
import type { ConnectionFlags } from '../connection.js';
import { EXIT } from '../exit-codes.js';
import type { Io } from '../io.js';
import type { Colors } from '../output.js';
import { toText } from '../values.js';
import { askReserved } from './reserved.js';

export interface HealthFlags extends ConnectionFlags {
  readonly timeout: number;
  readonly json?: true;
}

const SERVING = 'SERVING';
const MISSING = 'the server tells nothing of its health: it has an older version of nestjs-xtcp, or none';

/** `xtcp health`: the status of the server and, where none is named, of each service. */
export async function health(io: Io, target: string, service: string | undefined, flags: HealthFlags): Promise<number> {
  const { out } = io;
  const answer = await askReserved(io, target, 'xtcp.health', service, flags, MISSING);
  const status = statusIn(answer['status']);
  if (flags.json) {
    await out.line(toText(answer, out.isTerminal));
  } else {
    await out.line(colored(status, out.colors));
    const services = Object.entries((answer['services'] ?? {}) as Record<string, unknown>);
    const width = Math.max(0, ...services.map(([name]) => escapeControls(name).length));
    for (const [name, value] of services.toSorted(([one], [other]) => (one < other ? -1 : 1))) {
      await out.line(`  ${escapeControls(name).padEnd(width)}  ${colored(statusIn(value), out.colors)}`);
    }
    if (service !== undefined && status === 'UNKNOWN') {
      await io.err.line(`xtcp: the server at ${target} was told nothing of a service ${quoteForMessage(service)}`);
    }
  }
  return status === SERVING ? EXIT.ok : EXIT.notServing;
}

function statusIn(value: unknown): string {
  return typeof value === 'string' ? escapeControls(value) : 'UNKNOWN';
}

function colored(status: string, colors: Colors): string {
  if (status === SERVING) return colors.green(status);
  return status === 'DRAINING' ? colors.yellow(status) : colors.red(status);
}
