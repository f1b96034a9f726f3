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

/** Metadata on its way. */
export class EncodedMetadata {
  constructor(
    /** The field; empty for none. */
    readonly json: string,
    /** Whether it is known to be ASCII. */
    readonly isAscii: boolean,
  ) {}
}

export const NO_METADATA = new EncodedMetadata('', true);

/** ASCII that stands in JSON as it is. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** A key, from what stands before it to where its value begins. */
interface Name {
  readonly asFirst: string;
  readonly behindAnother: string;
}

/** Those that were sent, since applications send the same ones over and over. */
const NAMES = new Map<string, Name>();
const MAX_NAMES = 256;
const LONGEST_NAME = 64;

/**
 * Metadata as a field.
 * @throws {XtcpError} INVALID_ARGUMENT where a value is no string or it is over the limits.
 */
export function encodeMetadata(metadata: Metadata | undefined, limits: MetadataLimits): EncodedMetadata {
  if (metadata === undefined) return NO_METADATA;
  const keys = Object.keys(metadata);
  if (keys.length === 0) return NO_METADATA;
  const plain = plainJson(metadata, keys);
  const json = plain ?? JSON.stringify(metadata);
  const bytes = plain === undefined ? Buffer.byteLength(json) : json.length;
  const { maxMetadataBytes, maxMetadataKeys } = limits;
  if (keys.length > maxMetadataKeys || bytes > maxMetadataBytes) {
    throw new XtcpError(
      'INVALID_ARGUMENT',
      `the metadata has over ${maxMetadataKeys} keys (maxMetadataKeys) or ` +
        `${maxMetadataBytes} bytes as JSON (maxMetadataBytes)`,
    );
  }
  return new EncodedMetadata(json, plain !== undefined);
}

/**
 * What JSON.stringify makes of metadata that is plain text; undefined where it is any other. Measured with two keys, a
 * tenant and a trace id: half the time to encode them.
 * @throws {XtcpError} INVALID_ARGUMENT where a value is no string.
 */
function plainJson(metadata: Metadata, keys: readonly string[]): string | undefined {
  // What is made by a class may have its own idea of its JSON (toJSON), and so has an array.
  const prototype: unknown = Object.getPrototypeOf(metadata);
  let isPlain = prototype === Object.prototype || prototype === null;
  let json = '';
  for (const key of keys) {
    const value: unknown = metadata[key];
    if (typeof value !== 'string') {
      throw new XtcpError('INVALID_ARGUMENT', `the metadata ${JSON.stringify(key.slice(0, 100))} is not a string`);
    }
    const name = isPlain && PLAIN.test(value) ? nameOf(key) : undefined;
    if (name === undefined) isPlain = false;
    else json = json === '' ? name.asFirst + value : json + name.behindAnother + value;
  }
  return isPlain ? json + '"}' : undefined;
}

/** @returns undefined where JSON has to escape something in the key */
function nameOf(key: string): Name | undefined {
  const known = NAMES.get(key);
  if (known !== undefined) return known;
  if (!PLAIN.test(key)) return undefined;
  const name = { asFirst: `{"${key}":"`, behindAnother: `","${key}":"` };
  if (NAMES.size < MAX_NAMES && key.length <= LONGEST_NAME) NAMES.set(key, name);
  return name;
}

/**
 * JSON of an object of strings, at least one, in which nothing is escaped and there is no space between: what
 * {@link encodeMetadata} and JSON.stringify write. No quote is inside a key or a value, so each one begins or ends such.
 */
const PLAIN_JSON = /^\{"[ !#-[\]-\uffff]*":"[ !#-[\]-\uffff]*"(?:,"[ !#-[\]-\uffff]*":"[ !#-[\]-\uffff]*")*\}$/;
/** Characters that a key and its value at least take there, and the braces. */
const LEAST_PAIR = '"":"",'.length;
const BRACES = '{}'.length;
/** Characters of the longest text that values are cut out of: one that is kept may keep all of it alive. */
const LONGEST_PLAIN = 512;

/**
 * Metadata that has arrived, and is valid. Most is plain text, and its object is made when it is first asked for, since
 * many handlers never do. Measured with two keys: a third of the time of parsing them at once where it is not asked
 * for, two thirds where it is.
 */
export class ReceivedMetadata {
  /** @param source an object without a prototype, or text that is {@link PLAIN_JSON} */
  constructor(private source: Metadata | string) {}

  /** As an object without a prototype, the same one each time. */
  get value(): Metadata {
    if (typeof this.source === 'string') this.source = parsePlain(this.source);
    return this.source;
  }
}

/**
 * The metadata in field `index`; undefined where the frame has no such field or it is empty.
 * @throws {XtcpError} INVALID_ARGUMENT where it is no JSON object of strings, RESOURCE_EXHAUSTED where it is too large.
 */
export function receiveMetadata(frame: Frame, index: number, limits: MetadataLimits): ReceivedMetadata | undefined {
  const length = frame.length(index);
  if (length === 0) return undefined;
  if (length > limits.maxMetadataBytes) throw tooLarge(limits);
  const text = frame.text(index);
  const hasFewKeys = text.length <= BRACES + LEAST_PAIR * limits.maxMetadataKeys;
  const isPlain = hasFewKeys && text.length <= LONGEST_PLAIN && PLAIN_JSON.test(text);
  return new ReceivedMetadata(isPlain ? text : parse(text, limits));
}

/** As {@link receiveMetadata}, for whom the object is wanted in any case. */
export function decodeMetadata(frame: Frame, index: number, limits: MetadataLimits): Metadata | undefined {
  return receiveMetadata(frame, index, limits)?.value;
}

function parsePlain(json: string): Metadata {
  const metadata = Object.create(null) as Metadata;
  // The first key stands behind a brace and a quote.
  for (let at = '{"'.length; at < json.length;) {
    const keyEnd = json.indexOf('"', at);
    const valueStart = keyEnd + '":"'.length;
    const valueEnd = json.indexOf('"', valueStart);
    metadata[json.slice(at, keyEnd)] = json.slice(valueStart, valueEnd);
    at = valueEnd + '","'.length;
  }
  return metadata;
}

function parse(json: string, limits: MetadataLimits): Metadata {
  const parsed = fromJson(json, 'the metadata');
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
