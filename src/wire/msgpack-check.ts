const NIL = 0xc0;
const NEVER_USED = 0xc1;
const TIMESTAMP = 0xff;
const FIRST_NEGATIVE = 0xe0;

/** Behind the codes from 0xca to 0xd3, which are numbers: how many octets they have. */
const NUMBER_SIZES = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8] as const;

/**
 * Whether octets are exactly one MessagePack value with no extension type but the timestamp (docs/protocol.md,
 * "Codecs"). Libraries know further ones, for regular expressions, errors, sets and more, which would come alive in the
 * hands of a handler that asked for plain data. Looks at each value once, and at no octets of texts and binaries.
 */
export function isPlainMessagePack(octets: Uint8Array): boolean {
  const size = octets.length;
  let at = 0;
  /** Values that are still to come; each takes one octet at least. */
  let missing = 1;
  /** The number in the next `bytes` octets. */
  const length = (bytes: number): number => {
    let value = 0;
    for (const end = at + bytes; at < end; at++) value = value * 256 + (octets[at] ?? 0);
    return value;
  };
  const skip = (bytes: number): void => {
    at += bytes;
  };
  while (missing > 0) {
    if (missing > size - at) return false;
    missing--;
    const code = octets[at++] ?? NEVER_USED;
    if (code < 0x80 || code >= FIRST_NEGATIVE) continue;
    if (code < 0x90) missing += 2 * (code & 0x0f);
    else if (code < 0xa0) missing += code & 0x0f;
    else if (code < NIL) at += code & 0x1f;
    else if (code >= 0xca && code <= 0xd3) at += NUMBER_SIZES[code - 0xca] ?? 0;
    else {
      let extension = 0;
      switch (code) {
        case NIL:
        case 0xc2:
        case 0xc3:
          continue;
        case 0xc4:
        case 0xd9:
          skip(length(1));
          continue;
        case 0xc5:
        case 0xda:
          skip(length(2));
          continue;
        case 0xc6:
        case 0xdb:
          skip(length(4));
          continue;
        case 0xdc:
          missing += length(2);
          continue;
        case 0xdd:
          missing += length(4);
          continue;
        case 0xde:
          missing += 2 * length(2);
          continue;
        case 0xdf:
          missing += 2 * length(4);
          continue;
        case 0xc7:
        case 0xc8:
        case 0xc9:
          extension = length(1 << (code - 0xc7));
          break;
        case 0xd4:
        case 0xd5:
        case 0xd6:
        case 0xd7:
        case 0xd8:
          extension = 1 << (code - 0xd4);
          break;
        default:
          return false;
      }
      if (octets[at] !== TIMESTAMP) return false;
      at += 1 + extension;
    }
  }
  return at === size;
}
