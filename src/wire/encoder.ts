/** What a field is made of: text, which goes as UTF-8, or octets. */
export type Field = string | Uint8Array;

const CRLF = '\r\n';

/** Octets up to this size are copied next to their length; larger ones go out as they are, uncopied. */
const COPY_UP_TO = 16 * 1024;

/** Text over this size becomes octets of its own; below it, gluing strings together costs less. */
const TEXT_UP_TO = 4 * 1024;

/** A frame on its way. */
export interface EncodedFrame {
  /**
   * What goes to the socket, in order: a single string where every field is a short text, and no copy of octets that
   * are large.
   */
  readonly pieces: readonly Field[];
  /** Bytes of its fields, as limits count them. */
  readonly fieldBytes: number;
}

export function encodeFrame(fields: readonly Field[]): EncodedFrame {
  const pieces: Field[] = [];
  let fieldBytes = 0;
  let text = '';
  for (const field of fields) {
    if (typeof field === 'string' && field.length <= TEXT_UP_TO) {
      const bytes = Buffer.byteLength(field);
      fieldBytes += bytes;
      text += bytes + CRLF + field + CRLF;
      continue;
    }
    const octets = typeof field === 'string' ? encodeText(field) : field;
    fieldBytes += octets.length;
    if (octets.length <= COPY_UP_TO) {
      pieces.push(Buffer.concat([Buffer.from(text + octets.length + CRLF), octets]));
    } else {
      pieces.push(text + octets.length + CRLF, octets);
    }
    text = CRLF;
  }
  pieces.push(text + CRLF);
  return { pieces, fieldBytes };
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
