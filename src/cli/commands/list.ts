import { XtcpError } from '../../errors/xtcp-error.js';
import type { ConnectionFlags } from '../connection.js';
import { EXIT } from '../exit-codes.js';
import { oneLine } from '../failure-line.js';
import type { Io } from '../io.js';
import { summarize } from '../schema-summary.js';
import { formatTable } from '../table.js';
import { toText } from '../values.js';
import { askReserved } from './reserved.js';

export interface ListFlags extends ConnectionFlags {
  readonly timeout: number;
  readonly json?: true;
}

const PATTERNS = 'xtcp.patterns';
const MISSING =
  'the server does not tell its patterns: reflection is switched off there, or it has an older version of nestjs-xtcp, ' +
  'or none';

/** `xtcp list`: what a server answers to. */
export async function list(io: Io, target: string, flags: ListFlags): Promise<number> {
  const { out, err } = io;
  const answer = await askReserved(io, target, PATTERNS, undefined, flags, MISSING);
  const { patterns } = answer;
  if (!Array.isArray(patterns)) {
    throw new XtcpError('PROTOCOL_ERROR', 'the server answers with something else').ofCall(PATTERNS, target);
  }
  if (flags.json) {
    await out.line(toText(answer, out.isTerminal));
    return EXIT.ok;
  }
  if (patterns.length === 0) {
    await err.line(`xtcp: the server at ${target} has no handlers`);
    return EXIT.ok;
  }
  const rows = patterns.map((one) => rowOf((one ?? {}) as Record<string, unknown>));
  const { bold, dim } = out.colors;
  const [head, ...lines] = formatTable(
    [['PATTERN', 'KIND', 'PAYLOAD', 'DESCRIPTION'], ...rows],
    out.isTerminal ? out.width : undefined,
  );
  await out.line(bold(head ?? ''));
  for (const line of lines) await out.line(line);
  if (rows.some(([, , payload]) => payload === UNKNOWN)) {
    await err.line(dim('xtcp: of a payload "-" no schema is known; --json says why'));
  }
  return EXIT.ok;
}

const UNKNOWN = '-';

function rowOf({ pattern, kind, description, schema }: Record<string, unknown>): string[] {
  return [pattern, kind, schema === null || schema === undefined ? UNKNOWN : summarize(schema), description ?? ''].map(
    (cell) => oneLine(String(cell)),
  );
}
