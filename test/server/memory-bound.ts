/** The options that bound the memory of one connection, and what its peer does with them. */
export interface MemoryTerms {
  /** `maxFrameBytes`; in a session 65536 at least. */
  readonly maxFrameBytes: number;
  readonly windowBytes: number;
  readonly maxAheadBytes: number;
  readonly maxSendBufferSize: number;
  /** Calls that run: `maxCalls` at most, in a session 100 at least. */
  readonly calls: number;
  /** What a byte that arrives becomes at most. */
  readonly decoded: keyof typeof DECODED;
  /** Bytes of the largest value that a handler answers. */
  readonly answerBytes: number;
}

// The figures and the formula of docs/reliability.md, "Memory of one connection".

const DECODED = { octets: 2, json: 52, msgpack: 100 } as const;
/** What a value becomes beside that. */
const VALUE_BYTES = { octets: 0, json: 0, msgpack: 16 * 1024 } as const;
/** Items that wait, for each byte of their window: 32 of it go for what each costs beside its payload. */
const ITEM = { octets: 13, json: 13, msgpack: 450 } as const;
/** Values that wait for credit, for each byte of `maxAheadBytes`. */
const AHEAD = 4;
/** Frames that wait to be sent, for each byte: the smallest are the dearest. */
const SENT = 10;
/** Of a frame: the one that arrives, and what is kept of the hello. */
const ARRIVING = 11;
const CALL_BYTES = 32 * 1024;
const READ_BYTES = 256 * 1024;

/** The most memory that one connection can take. */
export function mostBytes(terms: MemoryTerms): number {
  const { maxFrameBytes: frame, windowBytes, maxAheadBytes, maxSendBufferSize, calls, answerBytes } = terms;
  const decoded = DECODED[terms.decoded];
  const item = Math.max(decoded, ITEM[terms.decoded]);
  const value = decoded * frame + VALUE_BYTES[terms.decoded];
  const call = 2 * value + item * windowBytes + AHEAD * maxAheadBytes + CALL_BYTES;
  return ARRIVING * frame + READ_BYTES + calls * call + SENT * maxSendBufferSize + answerBytes;
}
