import * as fc from 'fast-check';

import { ANSWERS, type Conversation, type Fields } from './corpus.js';
import { CLIENT_MOVES, playOf, type Move } from './play.js';

/** What comes on one connection: bytes, in the pieces in which they come. */
export type Stream = readonly Buffer[];

/** Stands in payloads; no log line may have it. */
export const MARKER = 'ZQ-payload-QZ';

const CRLF = Buffer.from('\r\n');
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Fields that are meant badly, or that one may stumble over. */
const HOSTILE = [
  '',
  '\0',
  '\x1b[2J\r\n',
  '\r\n\r\n',
  MARKER,
  `{"${MARKER}":"${MARKER}"}`,
  'x'.repeat(1100),
  '\xff\xfe',
  '\xed\xa0\x80',
  '{"__proto__":{"polluted":1}}',
  '{"__proto__":"polluted","constructor":"x","toString":"y"}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"cmd":{"__proto__":{"polluted":1}}}',
  '[1e999]',
  '"\\ud800"',
  '['.repeat(400),
  '{"a":'.repeat(150),
  'null',
  '-1',
  '9007199254740993',
  '__proto__',
  'constructor',
  'toString',
  // MessagePack: an array of 2^32-1, an ext that is no timestamp, a key __proto__, nothing.
  '\xdd\xff\xff\xff\xff',
  '\xd4\x78\x00\x92\xa3a+b\xa1g',
  '\x81\xa9__proto__\x81\xa8polluted\x01',
  '\xc1',
  ...Array.from({ length: 3 }, (_, index) => JSON.stringify({ items: index, error: { code: '__proto__' } })),
].map(latin1);

const id = fc.oneof(
  { weight: 10, arbitrary: fc.integer({ min: 1, max: 8 }).map(String) },
  { weight: 2, arbitrary: fc.constantFrom('0', '-1', '01', '9007199254740991', '9007199254740992', '1e3', '', ' 1') },
);
const number = fc.constantFrom('0', '1', '2', '3', '100', '65536', '2147483648', '9007199254740991', 'x', '');

/** Heads of every kind, well-formed for the most part. */
const head = fc
  .tuple(
    fc.oneof(
      { weight: 10, arbitrary: fc.constantFrom('Q', 'O', 'V', 'A', 'N', 'C', 'E', 'X', 'W', 'P', 'R', 'G') },
      { weight: 1, arbitrary: fc.constantFrom('B', 'F', 'z', 'q', '0', ' ', '{', '') },
    ),
    fc.constantFrom('', '-', 't', 'j', 'b', 'm', 'z'),
    id,
    fc.array(number, { maxLength: 3 }),
  )
  .map(([kind, codec, callId, numbers]) => {
    const withCodec = 'QOVAN'.includes(kind) && codec === '' ? 't' : codec;
    return latin1([kind + ('QOVAN'.includes(kind) ? withCodec : '') + callId, ...numbers].join(' '));
  });

const PATTERNS = [
  'echo',
  'toupper',
  'count',
  'sum',
  'each',
  'never',
  'note',
  'metadata',
  'fail',
  '{"cmd":"add","version":2}',
  '__proto__',
  'constructor',
  '{"__proto__":1}',
  '{',
  '{}',
  `nobody ${MARKER}`,
];
const pattern = fc.constantFrom(...PATTERNS);
const field = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.constantFrom('a', '1', '[1,2]', '"x"', '3', `"${MARKER}"`).map(latin1),
  fc.uint8Array({ maxLength: 40 }).map((octets) => Buffer.from(octets)),
);
/** What goes on in a session where nobody means harm. */
const move: fc.Arbitrary<Move> = fc.record({
  kind: fc.constantFrom(...CLIENT_MOVES),
  which: fc.nat({ max: 20 }),
  value: fc.oneof(
    fc.constantFrom(MARKER, ''),
    fc.jsonValue({ maxDepth: 2 }),
    fc.string({ maxLength: 20 }),
    fc.constant(undefined),
    fc.uint8Array({ maxLength: 50 }),
  ),
});
/** A frame of a session that could be one. */
const frame: fc.Arbitrary<Fields> = fc.oneof(
  fc.tuple(head, pattern.map(latin1), field).map((fields) => fields as Fields),
  fc.tuple(head, fc.array(field, { maxLength: 3 })).map(([first, others]) => [first, ...others]),
  fc.constantFrom(...ANSWERS),
);

/** One thing that goes wrong with what is sent; `at`, `which` and `value` are taken as far as they make sense. */
interface Mishap<Kind> {
  readonly kind: Kind;
  readonly at: number;
  readonly which: number;
  readonly value: Buffer;
}

const FRAME_MISHAPS = [
  'drop a frame',
  'double a frame',
  'swap frames',
  'add a frame',
  'drop a field',
  'double a field',
  'change a field',
  'change the head',
] as const;
const BYTE_MISHAPS = ['flip', 'insert', 'leave out', 'wrong length', 'end early'] as const;
type FrameMishap = Mishap<(typeof FRAME_MISHAPS)[number]>;
type ByteMishap = Mishap<(typeof BYTE_MISHAPS)[number]>;

function mishaps<Kind>(kinds: readonly Kind[]): fc.Arbitrary<Mishap<Kind>[]> {
  const at = fc.nat({ max: 5000 });
  const which = fc.nat({ max: 255 });
  const kind = fc.constantFrom(...kinds);
  return fc.array(fc.record({ kind, at, which, value: fc.oneof(head, field) }), { maxLength: 3 });
}

/** What one side says in the vectors or might say, with mishaps, cut up. */
export function streams(said: readonly Conversation[]): fc.Arbitrary<Stream> {
  const play = fc.array(move, { maxLength: 20 }).map(playOf);
  const conversation = fc.oneof(
    { weight: 4, arbitrary: play },
    { weight: 3, arbitrary: fc.constantFrom(...said) },
    { weight: 3, arbitrary: fc.array(frame, { maxLength: 12 }) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(...said), fc.array(frame, { maxLength: 8 }))
        .map(([one, more]) => [...one, ...more]),
    },
  );
  const spoilt = fc
    .tuple(
      conversation,
      fc.oneof(fc.constant([]), mishaps(FRAME_MISHAPS)),
      fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, mishaps(BYTE_MISHAPS)),
    )
    .map((given) => spoil(...given));
  const noise = fc.uint8Array({ maxLength: 200 }).map((octets) => Buffer.from(octets));
  const bytes = fc.oneof({ weight: 12, arbitrary: spoilt }, { weight: 1, arbitrary: noise });
  return fc.tuple(bytes, fc.array(fc.nat({ max: 5000 }), { maxLength: 6 })).map(([all, cuts]) => cutUp(all, cuts));
}

const REQUESTS = [
  'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n',
  'HEAD /readyz?a=b HTTP/1.0\r\n\r\n',
  `GET /${MARKER} HTTP/1.1\r\nHost: x\r\nX-Marker: ${MARKER}\r\n\r\n`,
  `POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n${MARKER.slice(0, 12)}`,
  'PUT /readyz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\necho\r\n0\r\n\r\n',
  'GET /readyz HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n',
  'CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  `GET /livez HTTP/1.1\r\nHost: ${'x'.repeat(9000)}\r\n\r\n`,
  'X',
].map(latin1);

/** What a server with probes may be asked over HTTP, some of it with frames behind, with mishaps, cut up. */
export function requests(said: readonly Conversation[]): fc.Arbitrary<Stream> {
  const request = fc.array(fc.constantFrom(...REQUESTS), { minLength: 1, maxLength: 3 });
  const behind = fc.oneof({ weight: 3, arbitrary: fc.constant<Conversation>([]) }, fc.constantFrom(...said));
  const bytes = fc.tuple(request, behind, mishaps(BYTE_MISHAPS)).map(([asked, frames, byteMishaps]) => {
    let all: Buffer = Buffer.concat([...asked, ...frames.map(encode)]);
    for (const mishap of byteMishaps) all = spoilBytes(all, mishap);
    return all;
  });
  return fc.tuple(bytes, fc.array(fc.nat({ max: 300 }), { maxLength: 6 })).map(([all, cuts]) => cutUp(all, cuts));
}

function spoil(frames: Conversation, frameMishaps: readonly FrameMishap[], byteMishaps: readonly ByteMishap[]): Buffer {
  const spoilt = frames.map((fields) => [...fields]);
  for (const mishap of frameMishaps) spoilFrames(spoilt, mishap);
  let bytes: Buffer = Buffer.concat(spoilt.map(encode));
  for (const mishap of byteMishaps) bytes = spoilBytes(bytes, mishap);
  return bytes;
}

function spoilFrames(frames: Buffer[][], { kind, at, which, value }: FrameMishap): void {
  if (kind === 'add a frame') {
    frames.splice(at % (frames.length + 1), 0, [value, Buffer.from('echo'), value]);
    return;
  }
  const index = at % Math.max(1, frames.length);
  const fields = frames[index];
  if (fields === undefined) return;
  const fieldIndex = which % fields.length;
  switch (kind) {
    case 'drop a frame':
      frames.splice(index, 1);
      break;
    case 'double a frame':
      frames.splice(index, 0, [...fields]);
      break;
    case 'swap frames': {
      const other = which % frames.length;
      frames[index] = frames[other] ?? fields;
      frames[other] = fields;
      break;
    }
    case 'drop a field':
      if (fields.length > 1) fields.splice(fieldIndex, 1);
      break;
    case 'double a field':
      fields.splice(fieldIndex, 0, ...Array.from({ length: 1 + (which % 17) }, () => fields[fieldIndex] ?? value));
      break;
    case 'change a field':
      fields[fieldIndex] = value;
      break;
    case 'change the head':
      fields[0] = value;
      break;
  }
}

function spoilBytes(bytes: Buffer, { kind, at, which, value }: ByteMishap): Buffer {
  const position = at % Math.max(1, bytes.length);
  const before = bytes.subarray(0, position);
  switch (kind) {
    case 'flip': {
      const flipped = Buffer.from(bytes);
      if (position < bytes.length) flipped[position] = (bytes[position] ?? 0) ^ (1 + (which % 255));
      return flipped;
    }
    case 'insert':
      return Buffer.concat([before, value, bytes.subarray(position)]);
    case 'leave out':
      return Buffer.concat([before, bytes.subarray(position + 1 + (which % 8))]);
    case 'wrong length': {
      // The digits in front of some CRLF.
      const crlf = bytes.indexOf(CRLF, position);
      if (crlf < 1) return bytes;
      return Buffer.concat([bytes.subarray(0, crlf - 1), Buffer.from(String(which)), bytes.subarray(crlf)]);
    }
    case 'end early':
      return before;
  }
}

export function encode(fields: Fields): Buffer {
  return Buffer.concat([...fields.flatMap((octets) => [Buffer.from(`${octets.length}\r\n`), octets, CRLF]), CRLF]);
}

function cutUp(bytes: Buffer, cuts: readonly number[]): Stream {
  const places = cuts.map((cut) => cut % (bytes.length + 1)).toSorted((one, other) => one - other);
  return [0, ...places].map((start, index) => bytes.subarray(start, places[index]));
}
