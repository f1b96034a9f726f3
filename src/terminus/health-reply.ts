import { XtcpError, type XtcpErrorCode } from '../errors/xtcp-error.js';

/** The statuses that `xtcp.health` answers. docs/protocol.md, "Reserved patterns". */
const STATUSES = ['SERVING', 'DRAINING', 'NOT_SERVING', 'UNKNOWN'] as const;

export type HealthReplyStatus = (typeof STATUSES)[number];

/** The status in an answer of `xtcp.health`, which over classic is JSON text; undefined where it is no such answer. */
export function readHealthReply(answer: unknown): HealthReplyStatus | undefined {
  let value = answer;
  if (typeof answer === 'string' || Buffer.isBuffer(answer)) {
    try {
      value = JSON.parse(answer.toString());
    } catch {
      return undefined;
    }
  }
  const status: unknown = typeof value === 'object' && value !== null && 'status' in value ? value.status : undefined;
  return STATUSES.find((known) => known === status);
}

/** What every traceback of Python begins with, which a server of xtcp 0.2 answers where it has no such method. */
const TRACEBACK = 'Traceback (most recent call last):';

/** The code of what a check failed with; UNIMPLEMENTED for a server that lives and has no `xtcp.health`. */
export function codeOfFailure(error: unknown): XtcpErrorCode {
  // What the exception filter of a handler produced comes as it is.
  if (!(error instanceof XtcpError)) return 'APPLICATION';
  const { code, details } = error;
  return code === 'INTERNAL' && typeof details === 'string' && details.startsWith(TRACEBACK) ? 'UNIMPLEMENTED' : code;
}
