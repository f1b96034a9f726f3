/** Bytes from which on memory is kept for the next field; less of it costs little to get. */
const LEAST_KEPT = 16 * 1024;
/** The most that is kept, once for the process. */
const MOST_KEPT = 4 * 1024 * 1024;

/**
 * What the last large field came in that nobody kept, for the next one. Memory of this size is new to the process each
 * time otherwise, and calls for a full garbage collection for every 64 MB. Measured together with large text going to the
 * socket unencoded, with strings of 1 MB: 2.6 ms of a processor's time for a call at the client, where it was 4.0.
 */
let spare: Buffer | undefined;

/** Memory for a field of `length` bytes, with anything in it. */
export function memoryOf(length: number): Buffer {
  const fits = spare !== undefined && spare.length >= length && spare.length <= 2 * length;
  if (length < LEAST_KEPT || spare === undefined || !fits) return Buffer.allocUnsafeSlow(length);
  const octets = spare.length === length ? spare : Buffer.from(spare.buffer, 0, length);
  spare = undefined;
  return octets;
}

/** Takes back what {@link memoryOf} gave, where nobody has it any more. */
export function giveBack(octets: Buffer): void {
  const { buffer } = octets;
  const { byteLength } = buffer;
  if (byteLength < LEAST_KEPT || byteLength > MOST_KEPT || byteLength <= (spare?.length ?? 0)) return;
  spare = octets.length === byteLength ? octets : Buffer.from(buffer);
}
