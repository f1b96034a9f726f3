import { isAscii } from 'node:buffer';

import { giveBack, memoryOf } from './memory.js';
import { NO_METADATA, type EncodedMetadata } from './metadata.js';

/** What a field is made of: text, which goes as UTF-8, or octets. */
export type Field = string | Uint8Array;

const CRLF = '\r\n';

/** Octets up to this size are copied next to their length; larger ones go out as they are, uncopied. */
const COPY_UP_TO = 16 * 1024;

/** Text over this size is not glued to the rest; below it, gluing strings together costs less. */
const TEXT_UP_TO = 4 * 1024;

/**
 * What stands before a field, behind another and at the start, for the lengths of most fields: each text that need not
 * be put together saves one of V8's. Measured: 0.2 KB less garbage a frame of two fields.
 */
const JOINTS = Array.from({ length: 2048 }, (_, bytes) => `${CRLF}${bytes}${CRLF}`);
const LINES = Array.from({ length: 2048 }, (_, bytes) => `${bytes}${CRLF}`);
const END = CRLF + CRLF;

/** A frame on its way. */
export interface EncodedFrame {
  /**
   * What goes to the socket, in order: a single string where every field is a short text, and no copy of octets that
   * are large.
   */
  readonly pieces: readonly Field[];
  /** Bytes of all pieces together. */
  readonly bytes: number;
  /** Bytes of its fields, as limits count them. */
  readonly fieldBytes: number;
  /** The piece, if any, whose memory is to be given back (`memory.ts`) when it has been written. */
  readonly lent: Buffer | undefined;
}

export function encodeFrame(fields: readonly Field[]): EncodedFrame {
  let pieces: Field[] | undefined;
  let lent: Buffer | undefined;
  let text = '';
  let bytes = END.length;
  let fieldBytes = 0;
  let isFirst = true;
  for (const field of fields) {
    const short = isShortText(field) ? field : undefined;
    const octets = short === undefined ? octetsOf(field) : undefined;
    const length = byteLength(octets ?? field);
    const before = lengthOf(length, isFirst);
    isFirst = false;
    fieldBytes += length;
    bytes += before.length + length;
    text += before + (short ?? '');
    if (octets === undefined) continue;
    pieces ??= [];
    if (length <= COPY_UP_TO) {
      pieces.push(Buffer.concat([Buffer.from(text), octets]));
    } else {
      pieces.push(text, octets);
      if (octets !== field) lent = octets as Buffer;
    }
    text = '';
  }
  text += END;
  // A list that is made with its only member has no room for more of them. Measured: 0.1 KB less garbage a frame.
  if (pieces === undefined) return { pieces: [text], bytes, fieldBytes, lent };
  pieces.push(text);
  return { pieces, bytes, fieldBytes, lent };
}

/**
 * A frame that carries a value in a session. Its head is ASCII, and so is most metadata; they are not looked through,
 * since V8 would join the strings for that of which they are made. Measured beside {@link encodeFrame}, where all fields
 * are short texts: a half of its time for a call, two thirds for an answer.
 * @param pattern of a frame that opens a call
 */
export function encodeValueFrame(
  head: string,
  pattern: string | undefined,
  payload: Field,
  metadata: EncodedMetadata = NO_METADATA,
): EncodedFrame {
  const { json } = metadata;
  if (!isShortText(payload) || !isShortText(pattern ?? '') || !isShortText(json)) {
    return encodeFrame([head, ...(pattern === undefined ? [] : [pattern]), payload, ...(json === '' ? [] : [json])]);
  }
  let chars = head.length;
  let fieldBytes = head.length;
  let text = lengthOf(head.length, true) + head;
  if (pattern !== undefined) {
    const length = Buffer.byteLength(pattern);
    chars += pattern.length;
    fieldBytes += length;
    text += lengthOf(length, false) + pattern;
  }
  const length = Buffer.byteLength(payload);
  chars += payload.length;
  fieldBytes += length;
  text += lengthOf(length, false) + payload;
  if (json !== '') {
    const jsonBytes = metadata.isAscii ? json.length : Buffer.byteLength(json);
    chars += json.length;
    fieldBytes += jsonBytes;
    text += lengthOf(jsonBytes, false) + json;
  }
  text += END;
  return { pieces: [text], bytes: text.length - chars + fieldBytes, fieldBytes, lent: undefined };
}

function isShortText(field: Field): field is string {
  return typeof field === 'string' && field.length <= TEXT_UP_TO;
}

/** The length of a field, behind the end of the one before it. */
function lengthOf(bytes: number, isFirst: boolean): string {
  return (isFirst ? LINES[bytes] : JOINTS[bytes]) ?? (isFirst ? '' : CRLF) + bytes + CRLF;
}

/**
 * Text is written at once, into memory that served for large fields before: what a string of this size costs is mostly
 * memory that is new to the process, and its length in UTF-8, which writing it finds out along the way. Measured beside
 * handing the string to the socket, both sides together: three quarters of the processor's time for calls with strings of
 * 1 MB; for those of 64 KB no difference.
 */
function octetsOf(field: Field): Uint8Array {
  if (typeof field !== 'string') return field;
  const octets = memoryOf(field.length);
  // As many octets as the text has characters, all of them ASCII, are all of it.
  if (octets.write(field) === field.length && isAscii(octets)) return octets;
  giveBack(octets);
  const encoded = memoryOf(Buffer.byteLength(field));
  encoded.write(field);
  return encoded;
}

/** How many octets a field has on the wire. */
export function byteLength(field: Field): number {
  return typeof field === 'string' ? Buffer.byteLength(field) : field.length;
}
