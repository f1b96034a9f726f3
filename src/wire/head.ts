import { XtcpError } from '../errors/xtcp-error.js';

/** The most octets of a head that every peer takes. */
export const MAX_HEAD_BYTES = 64;

/** The kinds of session frames, by their letter (docs/protocol.md, "Frames"). */
export const Kind = {
  Call: 'Q',
  CallWithInput: 'O',
  Event: 'V',
  Answer: 'A',
  Item: 'N',
  Complete: 'C',
  Error: 'E',
  Cancel: 'X',
  Credit: 'W',
  Ping: 'P',
  Pong: 'R',
  GoingAway: 'G',
} as const;

/** The first field of a session frame, taken apart. */
export interface Head {
  readonly kind: string;
  /** How the payload is encoded; empty for kinds without a payload. */
  readonly codec: string;
  /** The call it is about, or the number of a ping; 0 where the kind has none. */
  readonly id: number;
  /** The first number behind the id; undefined where there is none. */
  readonly first: number | undefined;
  readonly second: number | undefined;
}

const WITH_CODEC = new Set<string>([Kind.Call, Kind.CallWithInput, Kind.Event, Kind.Answer, Kind.Item]);
const WITH_ID = new Set<string>([
  ...WITH_CODEC,
  Kind.Complete,
  Kind.Error,
  Kind.Cancel,
  Kind.Credit,
  Kind.Ping,
  Kind.Pong,
]);

const ZERO = 0x30;
const NINE = 0x39;
const SPACE = 0x20;

/**
 * Reads a head. Of a kind that is not known only the letter is read: what follows it is not ours to judge.
 * @throws {XtcpError} PROTOCOL_ERROR where it is no head.
 */
export function parseHead(text: string): Head {
  const kind = text.charAt(0);
  if (text.length > MAX_HEAD_BYTES) throw malformed(`is longer than ${MAX_HEAD_BYTES} bytes`);
  if (!/^[A-Za-z]$/.test(kind)) throw malformed('does not begin with a letter');
  if (!WITH_ID.has(kind)) return { kind, codec: '', id: 0, first: undefined, second: undefined };
  let at = 1;
  let codec = '';
  if (WITH_CODEC.has(kind)) {
    codec = text.charAt(1);
    at = 2;
  }
  const numbers: number[] = [];
  for (;;) {
    const start = at;
    let number = 0;
    let digit = text.charCodeAt(at);
    while (digit >= ZERO && digit <= NINE) {
      number = number * 10 + (digit - ZERO);
      digit = text.charCodeAt(++at);
    }
    const leadingZero = text.charCodeAt(start) === ZERO && at - start > 1;
    if (at === start || leadingZero || number > Number.MAX_SAFE_INTEGER) throw malformed('has a number that is none');
    numbers.push(number);
    if (at === text.length) break;
    if (digit !== SPACE) throw malformed('has a byte that is neither a digit nor a space');
    at++;
  }
  return { kind, codec, id: numbers[0] ?? 0, first: numbers[1], second: numbers[2] };
}

function malformed(what: string): XtcpError {
  return new XtcpError('PROTOCOL_ERROR', `the head of a frame ${what}`);
}
