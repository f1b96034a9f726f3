import { requireMsgpack } from '../../src/wire/msgpack.js';
import { encodeValue } from '../../src/wire/codec.js';
import type { Fields } from './corpus.js';

/** What a client can do in a session. */
export const CLIENT_MOVES = [
  'call',
  'call with a deadline',
  'call in MessagePack',
  'call with input',
  'event',
  'item',
  'complete',
  'fail',
  'cancel',
  'credit',
  'ping',
  'unknown',
] as const;

export interface Move {
  readonly kind: (typeof CLIENT_MOVES)[number];
  /** Which of the calls that are there it is about, or which pattern it calls; as far as that makes sense. */
  readonly which: number;
  readonly value: unknown;
}

const PATTERNS = ['echo', 'count', 'never', 'metadata', 'fail', 'toupper', 'each', 'nobody', 'break'];
const READING_PATTERNS = ['sum', 'each', 'never', 'echo'];
const msgpack = requireMsgpack('fuzzing');

/** The frames of a client that keeps to the protocol: ids rise, and what is about a call is about one that was made. */
export function playOf(moves: readonly Move[]): Fields[] {
  let calls = 0;
  const withInput: number[] = [];
  const frames: Fields[] = [];
  const put = (...fields: (string | Uint8Array)[]): void => {
    frames.push(fields.map((octets) => Buffer.from(octets as string)));
  };
  put('xtcp', '1', '{"codecs":["m"]}');
  for (const { kind, which, value } of moves) {
    const { letter, payload } = encodeValue(value, kind === 'call in MessagePack' ? msgpack : undefined);
    const pattern = PATTERNS[which % PATTERNS.length] ?? '';
    const about = 1 + (which % Math.max(1, calls));
    switch (kind) {
      case 'call':
      case 'call in MessagePack':
        put(`Q${letter}${++calls}`, pattern, payload, '{"trace":"1"}');
        break;
      case 'call with a deadline':
        put(`Q${letter}${++calls} ${which * 10}`, pattern, payload);
        break;
      case 'call with input':
        withInput.push(++calls);
        put(`O-${calls}`, READING_PATTERNS[which % READING_PATTERNS.length] ?? '', '');
        break;
      case 'event':
        put(`V${letter}${++calls} ${which % 3}`, 'note', payload);
        break;
      case 'item': {
        const input = withInput[which % Math.max(1, withInput.length)];
        if (input !== undefined) put(`N${letter}${input}`, payload);
        break;
      }
      case 'complete':
      case 'fail': {
        const input = withInput.splice(which % Math.max(1, withInput.length), 1)[0];
        if (input === undefined) break;
        if (kind === 'complete') put(`C${input}`);
        else put(`E${input}`, '{"code":"CANCELLED","message":"no more"}');
        break;
      }
      case 'cancel':
        if (calls > 0) put(`X${about}`);
        break;
      case 'credit':
        if (calls > 0) put(`W${about} ${1 + which * 1000}`);
        break;
      case 'ping':
        put(`P${which}`);
        break;
      case 'unknown':
        put(`z${which}`, payload);
        break;
    }
  }
  return frames;
}
