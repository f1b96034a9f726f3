import { XtcpError } from '../errors/xtcp-error.js';
import { fromJson } from './codec.js';
import type { Frame } from './frame.js';

/** Out-of-band values that travel beside a payload: a trace id, a tenant. Nest's PacketMetadata. */
export type Metadata = Record<string, string>;

export const MAX_METADATA_BYTES = 8 * 1024;
export const MAX_METADATA_KEYS = 64;

/**
 * Metadata as a field; empty for none.
 * @throws {XtcpError} INVALID_ARGUMENT where a value is no string or it is larger than every peer takes.
 */
export function encodeMetadata(metadata: Metadata | undefined): string {
  if (metadata === undefined) return '';
  const keys = Object.keys(metadata);
  if (keys.length === 0) return '';
  for (const key of keys) {
    if (typeof metadata[key] !== 'string') {
      throw new XtcpError('INVALID_ARGUMENT', `the metadata ${JSON.stringify(key.slice(0, 100))} is not a string`);
    }
  }
  const json = JSON.stringify(metadata);
  if (keys.length > MAX_METADATA_KEYS || Buffer.byteLength(json) > MAX_METADATA_BYTES) {
    throw new XtcpError(
      'INVALID_ARGUMENT',
      `the metadata has over ${MAX_METADATA_KEYS} keys or ${MAX_METADATA_BYTES} bytes as JSON`,
    );
  }
  return json;
}

/**
 * The metadata in field `index`, as an object without a prototype; undefined where the frame has no such field or it
 * is empty.
 * @throws {XtcpError} INVALID_ARGUMENT where it is no JSON object of strings, RESOURCE_EXHAUSTED where it is too large.
 */
export function decodeMetadata(frame: Frame, index: number): Metadata | undefined {
  if (index >= frame.count || frame.length(index) === 0) return undefined;
  if (frame.length(index) > MAX_METADATA_BYTES) throw tooLarge();
  const parsed = fromJson(frame.text(index), 'the metadata');
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw wrongType();
  const entries = Object.entries(parsed);
  if (entries.length > MAX_METADATA_KEYS) throw tooLarge();
  const metadata = Object.create(null) as Metadata;
  for (const [key, value] of entries) {
    if (typeof value !== 'string') throw wrongType();
    metadata[key] = value;
  }
  return metadata;
}

function tooLarge(): XtcpError {
  return new XtcpError(
    'RESOURCE_EXHAUSTED',
    `the metadata is over ${MAX_METADATA_BYTES} bytes or ${MAX_METADATA_KEYS} keys`,
    { executed: false },
  );
}

function wrongType(): XtcpError {
  return new XtcpError('INVALID_ARGUMENT', 'the metadata is not a JSON object of strings', { executed: false });
}
