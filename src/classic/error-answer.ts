import { readRefusal } from '../errors/refusals.js';
import { XTCP_ERROR_CODES, XtcpError, type XtcpErrorCode } from '../errors/xtcp-error.js';
import type { Frame } from '../wire/frame.js';

/** Field number of a classic answer. */
export const RESULT = 0;

/**
 * How a classic answer says "error". Its one field carries no type, so an error is one line of text, free of CR and
 * LF, which an xtcp 0.2 client can take and a person can read:
 *
 *     XTCP Server: <code>: <message>
 *
 * with the code spelled `Malformed Client Request`, as xtcp 0.2 did, where the request was no classic request; and
 * with JSON in the place of the message where the code is APPLICATION: what the handler's exception filter produced.
 * An xtcp 0.2 server answers with a Python traceback instead.
 */
const PREFIX = 'XTCP Server: ';
const MALFORMED = 'Malformed Client Request';
const TRACEBACK = 'Traceback (most recent call last):';

/** The answer that says `error`. */
export function formatErrorAnswer(error: XtcpError): string {
  const label = error.code === 'PROTOCOL_ERROR' ? MALFORMED : error.code;
  const text = error.code === 'APPLICATION' ? JSON.stringify(error.details ?? null) : error.message;
  return `${PREFIX}${label}: ${text.replaceAll(/[\r\n]+/g, ' ')}`;
}

/** The error that an answer says; undefined where it is a result, as its first octets mostly tell. */
export function readErrorAnswer(answer: Frame): XtcpError | undefined {
  const start = answer.start(RESULT, TRACEBACK.length);
  if (!start.startsWith(PREFIX) && start !== TRACEBACK) return undefined;
  // Python puts octets into a traceback as they come, so that it need not be UTF-8.
  return parseErrorAnswer(answer.bytes(RESULT).toString());
}

/** The error that the answer `text` says, from our server or from xtcp 0.2; undefined where it is a result. */
export function parseErrorAnswer(text: string): XtcpError | undefined {
  if (text.startsWith(TRACEBACK)) return parseTraceback(text);
  if (!text.startsWith(PREFIX)) return undefined;
  const labelEnd = text.indexOf(': ', PREFIX.length);
  const label = text.slice(PREFIX.length, labelEnd);
  const code = label === MALFORMED ? 'PROTOCOL_ERROR' : label;
  if (labelEnd === -1 || !isErrorCode(code)) return undefined;
  const message = text.slice(labelEnd + 2);
  if (code !== 'APPLICATION') return readRefusal(code, message) ?? new XtcpError(code, message);
  try {
    return new XtcpError(code, 'the handler failed', { details: JSON.parse(message) as unknown });
  } catch {
    return new XtcpError(code, 'the handler failed', { details: message });
  }
}

function isErrorCode(text: string): text is XtcpErrorCode {
  return (XTCP_ERROR_CODES as readonly string[]).includes(text);
}

/** The last line of a traceback is its message; what stands above goes into `details`. */
function parseTraceback(text: string): XtcpError {
  const lines = text.trimEnd().split('\n');
  const message = lines.pop() ?? '';
  return new XtcpError('INTERNAL', message, { details: lines.join('\n') });
}
