const NIL = 0xc0;
const NEVER_USED = 0xc1;
const TIMESTAMP = 0xff;
const FIRST_NEGATIVE = 0xe0;
const DIGIT_ZERO = 0x30;

/** Behind the codes from 0xca to 0xd3, which are numbers: how many octets they have. */
const NUMBER_SIZES = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8] as const;

/** Containers within containers; more overflow the stack of whatever walks the value. */
const MAX_DEPTH = 1000;

/**
 * V8 keeps what an object has under whole numbers in an array up to the greatest of them, half as many again and some,
 * 8 bytes each; from this gap on it does not. So three octets of a map may become kilobytes.
 */
const LEAST_SPARSE_INDEX = 1024;
/** Up to this index, such an array takes no more than any object does. */
const SMALL_INDEX = 16;
/** Bytes of such arrays that a value may come to, for each of its octets and in all beside that. */
const ARRAY_BYTES_PER_OCTET = 32;
const ARRAY_BYTES_AT_LEAST = 16 * 1024;

/**
 * Whether octets are exactly one MessagePack value that may be unpacked: with no extension type but the timestamp
 * (docs/protocol.md, "Codecs"), and not one that comes to far more memory than its size says. Libraries know further
 * types, for regular expressions, errors, sets and more, which would come alive in the hands of a handler that asked for
 * plain data. Looks at each value once, and at no octets of texts and binaries but short keys.
 */
export function isPlainMessagePack(octets: Uint8Array): boolean {
  return new Walk(octets).isPlain();
}

class Walk {
  private at = 0;
  /** Of the container at hand, and those around it: values still to come, whether it is a map, its greatest index. */
  private left = 1;
  private isMap = false;
  private greatest = -1;
  private readonly around: [left: number, isMap: boolean, greatest: number][] = [];
  /** Values still to come in all; each takes one octet at least. */
  private missing = 1;
  private arrayBytes = 0;

  constructor(private readonly octets: Uint8Array) {}

  isPlain(): boolean {
    const { octets } = this;
    const mostArrayBytes = ARRAY_BYTES_AT_LEAST + ARRAY_BYTES_PER_OCTET * octets.length;
    while (this.missing > 0) {
      while (this.left === 0) this.leave();
      if (this.missing > octets.length - this.at || this.arrayBytes > mostArrayBytes) return false;
      if (this.isMap && this.left % 2 === 0) {
        if (!isKey(octets[this.at] ?? NEVER_USED)) return false;
        this.greatest = Math.max(this.greatest, this.indexHere());
      }
      this.missing--;
      this.left--;
      if (!this.take()) return false;
    }
    while (this.around.length > 0) this.leave();
    return this.at === octets.length && this.arrayBytes <= mostArrayBytes;
  }

  /** Takes a value, of a container what it begins with. @returns whether that may be */
  private take(): boolean {
    const code = this.octets[this.at++] ?? NEVER_USED;
    if (code < 0x80 || code >= FIRST_NEGATIVE) return true;
    if (code < 0x90) return this.enter(2 * (code & 0x0f), true);
    if (code < 0xa0) return this.enter(code & 0x0f, false);
    if (code < NIL) return this.skip(code & 0x1f);
    if (code >= 0xca && code <= 0xd3) return this.skip(NUMBER_SIZES[code - 0xca] ?? 0);
    switch (code) {
      case NIL:
      case 0xc2:
      case 0xc3:
        return true;
      case 0xc4:
      case 0xd9:
        return this.skip(this.length(1));
      case 0xc5:
      case 0xda:
        return this.skip(this.length(2));
      case 0xc6:
      case 0xdb:
        return this.skip(this.length(4));
      case 0xdc:
        return this.enter(this.length(2), false);
      case 0xdd:
        return this.enter(this.length(4), false);
      case 0xde:
        return this.enter(2 * this.length(2), true);
      case 0xdf:
        return this.enter(2 * this.length(4), true);
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.skipTimestamp(this.length(1 << (code - 0xc7)));
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.skipTimestamp(1 << (code - 0xd4));
      default:
        return false;
    }
  }

  private enter(values: number, isMap: boolean): boolean {
    if (values === 0) return true;
    this.around.push([this.left, this.isMap, this.greatest]);
    this.left = values;
    this.isMap = isMap;
    this.greatest = -1;
    this.missing += values;
    return this.around.length <= MAX_DEPTH;
  }

  private leave(): void {
    if (this.greatest > SMALL_INDEX) this.arrayBytes += 12 * this.greatest;
    [this.left, this.isMap, this.greatest] = this.around.pop()!;
  }

  /** The index that the key which begins here is to V8; -1 where it is none, or one that needs no array. */
  private indexHere(): number {
    const { octets, at } = this;
    const code = octets[at] ?? NEVER_USED;
    let index = -1;
    if (code < 0x80) index = code;
    else if (code === 0xcc) index = octets[at + 1] ?? -1;
    else if (code === 0xcd) index = (octets[at + 1] ?? 0) * 256 + (octets[at + 2] ?? 0);
    else if (code > 0xa0 && code <= 0xa4) index = digits(octets, at + 1, code & 0x1f);
    return index < LEAST_SPARSE_INDEX ? index : -1;
  }

  /** The number in the next `bytes` octets. */
  private length(bytes: number): number {
    let value = 0;
    for (const end = this.at + bytes; this.at < end; this.at++) value = value * 256 + (this.octets[this.at] ?? 0);
    return value;
  }

  private skip(bytes: number): true {
    this.at += bytes;
    return true;
  }

  private skipTimestamp(bytes: number): boolean {
    if (this.octets[this.at] !== TIMESTAMP) return false;
    return this.skip(1 + bytes);
  }
}

/** Whether what begins with a code may be a key of an object: a text, a number, a boolean or nil. */
function isKey(code: number): boolean {
  const isContainer = (code >= 0x80 && code < 0xa0) || (code >= 0xdc && code <= 0xdf);
  const isBinary = code >= 0xc4 && code <= 0xc6;
  const isExtension = (code >= 0xc7 && code <= 0xc9) || (code >= 0xd4 && code <= 0xd8);
  return !isContainer && !isBinary && !isExtension;
}

/** The number that some octets spell; -1 where they spell none. */
function digits(octets: Uint8Array, start: number, length: number): number {
  let value = 0;
  for (let at = start; at < start + length; at++) {
    const digit = (octets[at] ?? 0) - DIGIT_ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
