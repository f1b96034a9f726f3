/** How deep objects are shown; what is below is only named. */
const DEEPEST = 2;
const LONGEST = 60;

type Schema = Readonly<Record<string, unknown>>;

/** A JSON Schema in a few words, written like a type: `{ name: string, age?: integer }`. */
export function summarize(schema: unknown): string {
  const text = typeOf(schema, 0);
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

function typeOf(schema: unknown, depth: number): string {
  if (typeof schema !== 'object' || schema === null) return schema === false ? 'never' : 'any';
  const { const: only, enum: values, anyOf, oneOf, allOf, type, $ref: reference } = schema as Schema;
  if (only !== undefined) return JSON.stringify(only);
  if (Array.isArray(values)) return values.map((value) => JSON.stringify(value)).join(' | ');
  const either = anyOf ?? oneOf;
  if (Array.isArray(either)) return unique(either.map((one) => typeOf(one, depth))).join(' | ');
  if (Array.isArray(allOf)) return unique(allOf.map((one) => typeOf(one, depth))).join(' & ');
  if (typeof reference === 'string') return reference.split('/').at(-1) || 'any';
  if (Array.isArray(type))
    return unique(type.map((one) => typeOf({ ...schema, type: one as unknown }, depth))).join(' | ');
  if (type === 'object') return objectOf(schema as Schema, depth);
  if (type === 'array') return arrayOf(schema as Schema, depth);
  return typeof type === 'string' ? type : 'any';
}

function objectOf({ properties, required, additionalProperties }: Schema, depth: number): string {
  const members = Object.entries((properties ?? {}) as Schema);
  if (members.length === 0) {
    const isMap = typeof additionalProperties === 'object' && additionalProperties !== null;
    return isMap ? `{ [key]: ${typeOf(additionalProperties, depth + 1)} }` : 'object';
  }
  if (depth >= DEEPEST) return 'object';
  const needed = Array.isArray(required) ? (required as unknown[]) : [];
  const shown = members.map(([name, one]) => `${name}${needed.includes(name) ? '' : '?'}: ${typeOf(one, depth + 1)}`);
  return `{ ${shown.join(', ')} }`;
}

function arrayOf({ items, prefixItems }: Schema, depth: number): string {
  if (Array.isArray(prefixItems)) return `[${prefixItems.map((one) => typeOf(one, depth)).join(', ')}]`;
  const item = typeOf(items ?? true, depth);
  return item.includes(' | ') || item.includes(' & ') ? `(${item})[]` : `${item}[]`;
}

function unique(types: readonly string[]): string[] {
  return [...new Set(types)];
}
