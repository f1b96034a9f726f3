/** What a field is made of: text, which goes as UTF-8, or octets. */
export type Field = string | Uint8Array;

const CRLF = '\r\n';

/** Octets up to this size are copied next to their length; larger ones go out as they are, uncopied. */
const COPY_UP_TO = 16 * 1024;

/** Text over this size becomes octets of its own; below it, gluing strings together costs less. */
const TEXT_UP_TO = 4 * 1024;

/**
 * A frame as the pieces that go to the socket, in order: a single string where every field is a short text, and no
 * copy of octets that are large.
 */
export function encodeFrame(fields: readonly Field[]): Field[] {
  const pieces: Field[] = [];
  let text = '';
  for (const field of fields) {
    if (typeof field === 'string' && field.length <= TEXT_UP_TO) {
      text += Buffer.byteLength(field) + CRLF + field + CRLF;
    } else if (typeof field === 'string') {
      const octets = encodeText(field);
      pieces.push(text + octets.length + CRLF, octets);
      text = CRLF;
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

function encodeText(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const octets = Buffer.allocUnsafe(bytes);
  // Where each character is one byte of UTF-8, Latin-1 says the same, and is copied rather than encoded.
  octets.write(text, bytes === text.length ? 'latin1' : 'utf8');
  return octets;
}

/** How many octets a field has on the wire. */
export function byteLength(field: Field): number {
  return typeof field === 'string' ? Buffer.byteLength(field) : field.length;
}
