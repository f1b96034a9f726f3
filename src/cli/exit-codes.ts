import { XtcpError, type XtcpErrorCode } from '../errors/xtcp-error.js';
import { UsageError } from './usage-error.js';

/** What the program exits with; docs/cli.md and `xtcp --help` tell of them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  unavailable: 3,
  late: 4,
  refused: 5,
  unimplemented: 6,
  notServing: 7,
  /** As of a program that SIGPIPE ended: nobody reads what it prints. */
  closedOutput: 141,
} as const;

const BY_CODE: Partial<Record<XtcpErrorCode, number>> = {
  UNAVAILABLE: EXIT.unavailable,
  DEADLINE_EXCEEDED: EXIT.late,
  UNAUTHENTICATED: EXIT.refused,
  PERMISSION_DENIED: EXIT.refused,
  UNIMPLEMENTED: EXIT.unimplemented,
};

/** In the words of `xtcp --help`. */
export const EXIT_CODES_HELP = `Exit codes:
  0  it went well
  1  the call failed: the handler's own error, or any code that is not below
  2  a flag, a target or the data is wrong; nothing was sent
  3  the server could not be reached, or was lost (UNAVAILABLE)
  4  there was no answer in time (DEADLINE_EXCEEDED)
  5  the server, or its certificate, was refused, or it refused the caller
     (UNAUTHENTICATED, PERMISSION_DENIED)
  6  the server has no such pattern or feature (UNIMPLEMENTED)
  7  health: the answer is not SERVING
  130, 143, 141  ended by Ctrl-C, by SIGTERM, or because nobody reads its output`;

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  return (error instanceof XtcpError && BY_CODE[error.code]) || EXIT.failed;
}
