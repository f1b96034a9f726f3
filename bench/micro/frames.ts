import type { Field } from '../../src/wire/encoder.js';

/** What a payload is made of: text that is all ASCII, text of which half the bytes are not, or octets. */
export type PayloadKind = 'ascii' | 'non-ascii' | 'bytes';

export const PAYLOAD_KINDS: readonly PayloadKind[] = ['ascii', 'non-ascii', 'bytes'];

/** Bytes of frames that are handled in one run at least. */
const RUN_BYTES = 2 * 1024 * 1024;

const ASCII = 'abcdefghijklmnopqrstuvwxyz012345';
/** 32 bytes, too. */
const NON_ASCII = 'größe 小明 öäü abcdefghij';

export interface Payload {
  readonly kind: PayloadKind;
  /** A multiple of 32. */
  readonly bytes: number;
}

/** The fields of a session's answer: a head such as `At123`, and the payload. */
export function answer(payload: Payload, id: number): Field[] {
  return [`A${payload.kind === 'bytes' ? 'b' : 't'}${id}`, contents(payload)];
}

/** So many frames that they are measured well, whatever their size. */
export function framesInRun(payload: Payload): number {
  return Math.max(2, Math.ceil(RUN_BYTES / payload.bytes));
}

/** So few frames that no garbage is collected while they are handled. */
export function framesToWeigh(payload: Payload): number {
  return Math.max(1, Math.min(1000, Math.floor((128 * 1024) / payload.bytes)));
}

function contents({ kind, bytes }: Payload): Field {
  if (kind === 'bytes') return Buffer.alloc(bytes, 0xe5);
  return (kind === 'ascii' ? ASCII : NON_ASCII).repeat(bytes / 32);
}
