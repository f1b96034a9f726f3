import { readdirSync, readFileSync } from 'node:fs';

/** A field, as README.md describes it. Those of the second line say what may stand there, and can only be expected. */
export type FieldSpec =
  | string
  | { readonly hex: string }
  | { readonly json: unknown }
  | { readonly msgpack: string }
  | { readonly fill: string; readonly length: number }
  | { readonly contains: Readonly<Record<string, unknown>>; readonly lacks?: readonly string[] }
  | { readonly error: string; readonly executed?: false; readonly details?: unknown }
  | { readonly refusal: string }
  | { readonly starts: string }
  | { readonly matches: string };

/** A value: one member, whose name is the codec letter. */
export type ValueSpec = Readonly<Record<string, unknown>>;

export interface OutcomeSpec {
  readonly outcome: string;
  readonly values?: readonly ValueSpec[];
  readonly error?: { readonly code: string; readonly executed?: false; readonly details?: unknown };
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface ActionSpec {
  readonly do: string;
  readonly name: string;
  readonly pattern?: unknown;
  readonly value?: ValueSpec;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly codec?: 'msgpack';
  readonly ack?: 'none' | 'received' | 'handled';
  readonly input?: true;
  readonly items?: number;
}

export type Step = { readonly on?: number } & (
  | { readonly send: readonly FieldSpec[] }
  | { readonly sendBytes: string | { readonly hex: string } }
  | { readonly expect: readonly FieldSpec[] }
  | { readonly expectBytes: string }
  | { readonly expectEnd: true }
  | { readonly expectNothing: true }
  | { readonly end: true }
  | { readonly accept: number }
  | OutcomeSpec
  | ActionSpec
);

type Repeat = { readonly times: number; readonly steps: readonly unknown[] };

export interface Vector {
  readonly name: string;
  readonly role: 'server' | 'client';
  /** Members of the hello that the played peer says; where left out, the steps begin before the hellos. */
  readonly opened?: Readonly<Record<string, unknown>>;
  /** How the peer under test is set up. */
  readonly setup?: Readonly<Record<string, unknown>>;
  readonly steps: readonly Step[];
}

/** All vectors for a role, by the name of their file in `directory`, with what they repeat written out. */
export function readVectors(
  role: Vector['role'],
  directory: string = import.meta.dirname,
): [file: string, vectors: Vector[]][] {
  const files = readdirSync(directory).filter((file) => file.endsWith('.json'));
  const read = files.map((file): [string, Vector[]] => {
    const { vectors } = JSON.parse(readFileSync(`${directory}/${file}`, 'utf8')) as {
      vectors: (Omit<Vector, 'steps'> & { steps: (Step | Repeat)[] })[];
    };
    const ofRole = vectors.filter((vector) => vector.role === role);
    return [file, ofRole.map((vector) => ({ ...vector, steps: vector.steps.flatMap(writeOut) }))];
  });
  return read.filter(([, vectors]) => vectors.length > 0);
}

function writeOut(step: Step | Repeat): Step[] {
  if (!('times' in step)) return [step];
  const text = JSON.stringify(step.steps);
  return Array.from({ length: step.times }, (_, index) => {
    return JSON.parse(text.replaceAll('{i}', String(index + 1))) as Step[];
  }).flat();
}

/** The octets of a field that is to be sent. */
export function octetsOf(field: FieldSpec): Buffer {
  if (typeof field === 'string') return Buffer.from(field);
  if ('msgpack' in field) return Buffer.from(field.msgpack, 'hex');
  if ('hex' in field) return Buffer.from(field.hex, 'hex');
  if ('json' in field) return Buffer.from(JSON.stringify(field.json));
  if ('fill' in field) return Buffer.alloc(field.length, field.fill);
  throw new Error(`a field of ${JSON.stringify(field)} can be expected, not sent`);
}

export function frameOf(fields: readonly FieldSpec[]): Buffer {
  const pieces = fields.map(octetsOf).flatMap((octets) => [Buffer.from(`${octets.length}\r\n`), octets, CRLF]);
  return Buffer.concat([...pieces, CRLF]);
}

const CRLF = Buffer.from('\r\n');

/** The first frame in `bytes`, and how long it is; undefined where it is not whole. */
export function readFrame(bytes: Buffer): { fields: Buffer[]; size: number } | undefined {
  const fields: Buffer[] = [];
  let at = 0;
  do {
    const lengthEnd = bytes.indexOf(CRLF, at);
    if (lengthEnd === -1) return undefined;
    const digits = bytes.toString('latin1', at, lengthEnd);
    if (!/^(0|[1-9][0-9]{0,9})$/.test(digits)) throw new Error(`the peer under test sent the length ${digits}`);
    const end = lengthEnd + 2 + Number(digits);
    if (bytes.length < end + 3) return undefined;
    fields.push(bytes.subarray(lengthEnd + 2, end));
    if (bytes.toString('latin1', end, end + 2) !== '\r\n') throw new Error('the peer under test sent a broken frame');
    at = end + 2;
  } while (bytes[at] !== 0x0d);
  if (bytes.length < at + 2) return undefined;
  return { fields, size: at + 2 };
}
