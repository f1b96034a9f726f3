/** What a field is made of: text, which goes as UTF-8, or octets. */
export type Field = string | Uint8Array;

const CRLF = '\r\n';

/** Octets up to this size are copied next to their length; larger ones go out as they are, uncopied. */
const COPY_UP_TO = 16 * 1024;

/**
 * A frame as the pieces that go to the socket, in order: a single string where every field is text, and no copy of
 * octets that are large.
 */
export function encodeFrame(fields: readonly Field[]): Field[] {
  const pieces: Field[] = [];
  let text = '';
  for (const field of fields) {
    if (typeof field === 'string') {
      text += Buffer.byteLength(field) + CRLF + field + CRLF;
    } else if (field.length <= COPY_UP_TO) {
      pieces.push(Buffer.concat([Buffer.from(text + field.length + CRLF), field]));
      text = CRLF;
    } else {
      pieces.push(text + field.length + CRLF, field);
      text = CRLF;
    }
  }
  pieces.push(text + CRLF);
  return pieces;
}

/** How many octets a field has on the wire. */
export function byteLength(field: Field): number {
  return typeof field === 'string' ? Buffer.byteLength(field) : field.length;
}
