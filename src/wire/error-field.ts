import { XTCP_ERROR_CODES, XtcpError, type XtcpErrorCode } from '../errors/xtcp-error.js';
import { toJson } from './codec.js';
import type { Frame } from './frame.js';

/** What stands around an error in its frame, at most, in bytes: a head, or the rest of a hello. */
export const AROUND_ERROR_BYTES = 32;

/**
 * An error as the field of an `E` frame. Details that are no JSON, or that make the field longer than `maxBytes`, are
 * left out; a message that still is too long is cut.
 */
export function encodeError(error: XtcpError, maxBytes: number): string {
  const { code, message, details } = error;
  const executed = error.executed === false ? { executed: false } : {};
  if (details !== undefined) {
    try {
      const whole = toJson({ code, message, details, ...executed });
      if (Buffer.byteLength(whole) <= maxBytes) return whole;
    } catch {
      // Goes without them.
    }
  }
  const short = toJson({ code, message, ...executed });
  // JSON needs at most six bytes for a UTF-16 unit.
  return Buffer.byteLength(short) <= maxBytes ? short : toJson({ code, message: message.slice(0, 1000), ...executed });
}

/** The error in field `index`; see {@link decodeError}. */
export function readError(frame: Frame, index: number): XtcpError {
  let text = '';
  try {
    text = frame.text(index);
  } catch {
    // Not UTF-8, so not JSON.
  }
  return decodeError(text);
}

/** The error in a field of JSON. */
export function decodeError(text: string): XtcpError {
  try {
    return errorIn(JSON.parse(text));
  } catch {
    return errorIn(undefined);
  }
}

/** The error that JSON says. What has another shape is still an error, if one that says less. */
export function errorIn(parsed: unknown): XtcpError {
  if (typeof parsed !== 'object' || parsed === null) {
    return new XtcpError('INTERNAL', 'the other side sent an error that cannot be read');
  }
  const { code, message, details, executed } = parsed as Record<string, unknown>;
  return new XtcpError(
    isErrorCode(code) ? code : 'INTERNAL',
    typeof message === 'string' ? message : 'the other side gave no message',
    { details, executed: executed === false ? false : undefined },
  );
}

function isErrorCode(value: unknown): value is XtcpErrorCode {
  return (XTCP_ERROR_CODES as readonly unknown[]).includes(value);
}
