import { frameOf, octetsOf, readVectors, type FieldSpec, type Step, type Vector } from '../conformance/notation.js';

/** The fields of a frame. */
export type Fields = readonly Buffer[];

/** Frames that one side sends, in order. */
export type Conversation = readonly Fields[];

/** Where the vectors are, seen from the root of the project, whether this runs as it is or compiled. */
const VECTORS = 'test/conformance';
/** Longer frames say nothing more, and take their time. */
const LONGEST_FRAME = 5000;
/** The hello that a vector takes for granted. */
const HELLO: readonly FieldSpec[] = ['xtcp', '1', '{}'];

/** Everything that clients say in the conformance vectors, each from its first frame on. */
export const CLIENTS_SAY: readonly Conversation[] = conversations('server');

/** Everything that servers say in the conformance vectors, each behind the hellos. */
export const SERVERS_SAY: readonly Conversation[] = conversations('client');

/** Everything that a peer under test is expected to answer, frame by frame, as far as it is said to the byte. */
export const ANSWERS: readonly Fields[] = (['server', 'client'] as const)
  .flatMap(vectorsOf)
  .flatMap(({ steps }) => steps.map((step) => ('expect' in step ? fieldsOf(step.expect) : undefined)))
  .filter((fields) => fields !== undefined);

function vectorsOf(role: Vector['role']): Vector[] {
  return readVectors(role, VECTORS).flatMap(([, vectors]) => vectors);
}

/** What is sent to a peer of `role`. */
function conversations(role: Vector['role']): Conversation[] {
  return vectorsOf(role)
    .map(({ opened, steps }) => [
      ...(opened !== undefined && role === 'server' ? [HELLO.map(octetsOf)] : []),
      ...steps.map(sentBy).filter((fields) => fields !== undefined),
    ])
    .filter((frames) => frames.length > 0);
}

function sentBy(step: Step): Fields | undefined {
  return 'send' in step ? fieldsOf(step.send) : undefined;
}

/** Undefined where the fields are patterns of what may come, or too long. */
function fieldsOf(specs: readonly FieldSpec[]): Fields | undefined {
  try {
    if (frameOf(specs).length > LONGEST_FRAME) return undefined;
    return specs.map(octetsOf);
  } catch {
    return undefined;
  }
}
