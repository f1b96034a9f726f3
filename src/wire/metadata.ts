import { XtcpError } from '../errors/xtcp-error.js';
import { fromJson } from './codec.js';
import type { Frame } from './frame.js';

/** Out-of-band values that travel beside a payload: a trace id, a tenant. Nest's PacketMetadata. */
export type Metadata = Record<string, string>;

export interface MetadataLimits {
  /** Bytes as JSON. */
  readonly maxMetadataBytes: number;
  readonly maxMetadataKeys: number;
}

/**
 * Metadata as a field; empty for none.
 * @throws {XtcpError} INVALID_ARGUMENT where a value is no string or it is over the limits.
 */
export function encodeMetadata(metadata: Metadata | undefined, limits: MetadataLimits): string {
  if (metadata === undefined) return '';
  const keys = Object.keys(metadata);
  if (keys.length === 0) return '';
  for (const key of keys) {
    if (typeof metadata[key] !== 'string') {
      throw new XtcpError('INVALID_ARGUMENT', `the metadata ${JSON.stringify(key.slice(0, 100))} is not a string`);
    }
  }
  const json = JSON.stringify(metadata);
  const { maxMetadataBytes, maxMetadataKeys } = limits;
  if (keys.length > maxMetadataKeys || Buffer.byteLength(json) > maxMetadataBytes) {
    throw new XtcpError(
      'INVALID_ARGUMENT',
      `the metadata has over ${maxMetadataKeys} keys (maxMetadataKeys) or ` +
        `${maxMetadataBytes} bytes as JSON (maxMetadataBytes)`,
    );
  }
  return json;
}

/**
 * The metadata in field `index`, as an object without a prototype; undefined where the frame has no such field or it
 * is empty.
 * @throws {XtcpError} INVALID_ARGUMENT where it is no JSON object of strings, RESOURCE_EXHAUSTED where it is too large.
 */
export function decodeMetadata(frame: Frame, index: number, limits: MetadataLimits): Metadata | undefined {
  if (index >= frame.count || frame.length(index) === 0) return undefined;
  if (frame.length(index) > limits.maxMetadataBytes) throw tooLarge(limits);
  const parsed = fromJson(frame.text(index), 'the metadata');
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw wrongType();
  const keys = Object.keys(parsed);
  if (keys.length > limits.maxMetadataKeys) throw tooLarge(limits);
  const metadata = Object.create(null) as Metadata;
  for (const key of keys) {
    const value = (parsed as Record<string, unknown>)[key];
    if (typeof value !== 'string') throw wrongType();
    metadata[key] = value;
  }
  return metadata;
}

function tooLarge({ maxMetadataBytes, maxMetadataKeys }: MetadataLimits): XtcpError {
  return new XtcpError(
    'RESOURCE_EXHAUSTED',
    `the metadata is over ${maxMetadataBytes} bytes (maxMetadataBytes) or ${maxMetadataKeys} keys (maxMetadataKeys)`,
    { executed: false },
  );
}

function wrongType(): XtcpError {
  return new XtcpError('INVALID_ARGUMENT', 'the metadata is not a JSON object of strings', { executed: false });
}
