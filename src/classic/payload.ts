import { XtcpError } from '../errors/xtcp-error.js';
import type { PayloadKind } from '../options/payload-kind.js';
import { fromJson, toJson } from '../wire/codec.js';
import type { Field } from '../wire/encoder.js';
import type { Frame } from '../wire/frame.js';

/**
 * Field `index` of a classic frame as the kind says: `text` a string, `bytes` a Buffer, `json` any JSON value, where
 * no octets at all are null.
 * @throws {XtcpError} INVALID_ARGUMENT where the octets are not what the kind says. The message quotes none of them.
 */
export function decodePayload(frame: Frame, index: number, kind: PayloadKind): unknown {
  if (kind === 'bytes') return frame.bytes(index);
  const text = frame.text(index);
  if (kind === 'text') return text;
  if (text === '') return null;
  return fromJson(text, `field ${index + 1} of the frame`);
}

/**
 * A value as a classic field: a string or octets as they are, undefined and null as no octets, all else as JSON.
 * @throws {XtcpError} INVALID_ARGUMENT where the value has no such form: a BigInt, a cycle, a function, a string
 * with a lone surrogate.
 */
export function encodePayload(value: unknown): Field {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) {
      throw new XtcpError('INVALID_ARGUMENT', 'the value cannot be sent: a lone surrogate has no UTF-8');
    }
    return value;
  }
  if (value === undefined || value === null) return '';
  if (value instanceof Uint8Array) return value;
  return toJson(value);
}
