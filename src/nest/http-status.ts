import type { XtcpErrorCode } from '../errors/xtcp-error.js';

/** The codes that HTTP statuses stand for, and back. What is not here is the application's own (404, 409, …). */
const STATUSES: readonly (readonly [status: number, code: XtcpErrorCode])[] = [
  [400, 'INVALID_ARGUMENT'],
  [401, 'UNAUTHENTICATED'],
  [403, 'PERMISSION_DENIED'],
  [422, 'INVALID_ARGUMENT'],
  [429, 'RESOURCE_EXHAUSTED'],
  [499, 'CANCELLED'],
  [500, 'INTERNAL'],
  [501, 'UNIMPLEMENTED'],
  [502, 'PROTOCOL_ERROR'],
  [503, 'UNAVAILABLE'],
  [504, 'DEADLINE_EXCEEDED'],
  [408, 'DEADLINE_EXCEEDED'],
];

/** The code for an HTTP status; APPLICATION where none says the same. */
export function codeOfStatus(status: number): XtcpErrorCode {
  return STATUSES.find(([known]) => known === status)?.[1] ?? 'APPLICATION';
}

/** The HTTP status for a code. */
export function statusOfCode(code: XtcpErrorCode): number {
  return STATUSES.find(([, known]) => known === code)?.[0] ?? 500;
}
