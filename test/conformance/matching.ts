import { isDeepStrictEqual } from 'node:util';

import { createRequire } from 'node:module';

import { octetsOf, type FieldSpec } from './notation.js';

// msgpackr's types for this entry point do not compile on their own.
const { unpack } = createRequire(import.meta.url)('msgpackr') as { unpack: (octets: Uint8Array) => unknown };

/** How a frame that came is other than expected; undefined where it is not. */
export function differenceOf(fields: readonly Buffer[], expected: readonly FieldSpec[]): string | undefined {
  if (fields.length !== expected.length) return `it has ${fields.length} fields, not ${expected.length}`;
  const wrong = fields.findIndex((field, index) => !matches(field, expected[index]!));
  return wrong === -1 ? undefined : `field ${wrong + 1} is not ${JSON.stringify(expected[wrong])}`;
}

/** A frame as messages show it. */
export function show(fields: readonly Buffer[]): string {
  return fields.map((field) => `[${field.toString('latin1').slice(0, 300)}]`).join('');
}

function matches(octets: Buffer, expected: FieldSpec): boolean {
  if (typeof expected === 'string' || 'hex' in expected || 'fill' in expected) return octets.equals(octetsOf(expected));
  if ('msgpack' in expected) return isDeepStrictEqual(unpack(octets), unpack(octetsOf(expected)));
  const text = octets.toString();
  if ('starts' in expected) return text.startsWith(expected.starts);
  if ('matches' in expected) return new RegExp(`^(?:${expected.matches})$`).test(text);
  const value = parse(text);
  if ('json' in expected) return isDeepStrictEqual(value, expected.json);
  if (!isObject(value)) return false;
  if ('contains' in expected) {
    return (
      Object.entries(expected.contains).every(([key, member]) => isDeepStrictEqual(value[key], member)) &&
      (expected.lacks ?? []).every((key) => !(key in value))
    );
  }
  if ('refusal' in expected) {
    return isObject(value['error']) && isErrorOf(value['error'], { error: expected.refusal, executed: false });
  }
  return isErrorOf(value, expected);
}

function isErrorOf(
  value: Record<string, unknown>,
  expected: { readonly error: string; readonly executed?: false; readonly details?: unknown },
): boolean {
  return (
    value['code'] === expected.error &&
    typeof value['message'] === 'string' &&
    value['executed'] === expected.executed &&
    isDeepStrictEqual(value['details'], expected.details)
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
