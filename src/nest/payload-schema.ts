import { escapeControls } from '../errors/xtcp-error.js';
import type { PayloadDescription } from '../server/reflection.js';

/** UTF-16 units of JSON that one schema may have; an answer carries those of all patterns. */
const MAX_SCHEMA_LENGTH = 65_536;
/** Objects within objects; what others walk, recursively, has to end. */
const MAX_SCHEMA_DEPTH = 100;
const LONGEST_MESSAGE = 200;

/** What Standard JSON Schema (standardschema.dev) adds to a Standard Schema; `input` may throw. */
interface StandardProperties {
  readonly vendor?: unknown;
  readonly jsonSchema?: { readonly input?: (options: { readonly target: string }) => unknown } | undefined;
}

/** The JSON Schema, of draft 2020-12, of what a schema given to `@Payload({ schema })` takes, or why there is none. */
export function describeSchema(schema: unknown): PayloadDescription {
  try {
    const standard = standardOf(schema);
    if (standard === undefined) {
      return without('what @Payload({ schema }) was given is no Standard Schema (standardschema.dev): give it one');
    }
    if (typeof standard.jsonSchema?.input !== 'function') return without(noJsonSchemaOf(standard.vendor));
    const found = standard.jsonSchema.input({ target: 'draft-2020-12' });
    return boundedCopy(found);
  } catch (error) {
    return without(`the schema could not be made a JSON Schema: ${messageOf(error)}`);
  }
}

function standardOf(schema: unknown): StandardProperties | undefined {
  // ArkType's schemas are functions.
  if ((typeof schema !== 'object' && typeof schema !== 'function') || schema === null) return undefined;
  const standard: unknown = Reflect.get(schema, '~standard');
  return typeof standard === 'object' && standard !== null ? standard : undefined;
}

function noJsonSchemaOf(vendor: unknown): string {
  const whose = typeof vendor === 'string' ? `a schema of ${oneLine(vendor)}` : 'a schema that';
  const how = vendor === 'valibot' ? 'wrap it with toStandardJsonSchema of' : 'convert it, as valibot users do with';
  return `${whose} gives no JSON Schema by itself (Standard JSON Schema): ${how} @valibot/to-json-schema`;
}

/** Plain data, which no getter, cycle or size of the schema's own can hurt an answer with. */
function boundedCopy(found: unknown): PayloadDescription {
  if (typeof found !== 'object' || found === null || Array.isArray(found)) {
    return without('what the schema gives as its JSON Schema is no object: is its library up to date?');
  }
  const depths = new Map<unknown, number>();
  let length = 0;
  let tooMuch: string | undefined;
  const text = JSON.stringify(found, function bound(this: unknown, key: string, value: unknown): unknown {
    const depth = (depths.get(this) ?? 0) + 1;
    if (typeof value === 'object' && value !== null) depths.set(value, depth);
    length += key.length + (typeof value === 'string' ? value.length : 1);
    if (length > MAX_SCHEMA_LENGTH) tooMuch ??= `is over ${MAX_SCHEMA_LENGTH} characters`;
    if (depth > MAX_SCHEMA_DEPTH) tooMuch ??= `has objects more than ${MAX_SCHEMA_DEPTH} deep`;
    return tooMuch === undefined ? value : undefined;
  });
  if (text.length > MAX_SCHEMA_LENGTH) tooMuch ??= `is over ${MAX_SCHEMA_LENGTH} characters`;
  if (tooMuch !== undefined) return without(`the JSON Schema ${tooMuch}: declare a smaller schema, of fewer parts`);
  return { schema: JSON.parse(text) as object, reason: null };
}

export function without(reason: string): PayloadDescription {
  return { schema: null, reason };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? oneLine(error.message) : 'it threw no error';
}

function oneLine(text: string): string {
  const [line = ''] = text.split('\n');
  return escapeControls(line.length > LONGEST_MESSAGE ? `${line.slice(0, LONGEST_MESSAGE)}…` : line);
}
