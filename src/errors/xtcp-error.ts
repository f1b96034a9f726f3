/**
 * Every code that an error of this transport can have; the set is closed, match on it and never on a message.
 * README.md, "When something fails", says what each one means to a caller.
 */
export const XTCP_ERROR_CODES = [
  'CANCELLED',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
  'RESOURCE_EXHAUSTED',
  'UNAVAILABLE',
  'INTERNAL',
  'PROTOCOL_ERROR',
  'APPLICATION',
] as const;

export type XtcpErrorCode = (typeof XTCP_ERROR_CODES)[number];

/** What an {@link XtcpError} can say beside its code and message. */
export interface XtcpErrorContext {
  /**
   * `false` promises that no application code began to run for the call, so that making it again cannot run it
   * twice. Left out where that is not known.
   */
  executed?: false | undefined;
  /** Where the call was going: `host:port`, `[ipv6]:port` or `unix:path`. */
  endpoint?: string | undefined;
  /** The pattern that was called, as it goes over the wire. */
  pattern?: string | undefined;
  /** What the other side said beyond its message; text for the upper part of a Python traceback. */
  details?: unknown;
  /** The error underneath, such as Node's `ECONNREFUSED`. */
  cause?: unknown;
}

/** The one error that this transport throws by itself. It never carries a payload. */
export class XtcpError extends Error {
  override readonly name = 'XtcpError';
  readonly code: XtcpErrorCode;
  readonly executed: false | undefined;
  readonly endpoint: string | undefined;
  readonly pattern: string | undefined;
  readonly details: unknown;

  constructor(code: XtcpErrorCode, message: string, context: XtcpErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.code = code;
    this.executed = context.executed;
    this.endpoint = context.endpoint;
    this.pattern = context.pattern;
    this.details = context.details;
  }

  /** The same error, told of one endpoint: its message names it. */
  at(endpoint: string): XtcpError {
    return this.told(`at ${endpoint}`, { endpoint });
  }

  /** The same error, told of one call: its message names the pattern and the endpoint. */
  ofCall(pattern: string, endpoint: string): XtcpError {
    return this.told(`calling ${quoteForMessage(pattern)} at ${endpoint}`, { endpoint, pattern });
  }

  /** The same error, of which it is known that no application code began to run for the call. */
  notExecuted(): XtcpError {
    const { details, cause, endpoint, pattern } = this;
    return new XtcpError(this.code, this.message, { details, cause, endpoint, pattern, executed: false });
  }

  private told(where: string, context: XtcpErrorContext): XtcpError {
    const { executed, details, cause } = this;
    return new XtcpError(this.code, `${this.message} (${where})`, { executed, details, cause, ...context });
  }
}

const LONGEST_QUOTE = 100;

/** A pattern as it may stand in a message: quoted, control characters escaped, cut at 100 characters. */
export function quoteForMessage(text: string): string {
  const cut = text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text;
  return escapeControls(JSON.stringify(cut));
}

/** Text without control characters and separators of lines, each escaped as JSON does; fit for one line of a log. */
export function escapeControls(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, escapeUnit);
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
