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

/** What follows the letter of a kind. */
const enum Form {
  NotALetter,
  /** What follows is not ours to judge. */
  Unknown,
  Numbers,
  CodecAndNumbers,
}

const FORMS = new Uint8Array(256);
for (const letter of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz') FORMS[letter.charCodeAt(0)] = Form.Unknown;
for (const letter of 'CEXWPR') FORMS[letter.charCodeAt(0)] = Form.Numbers;
for (const letter of 'QOVAN') FORMS[letter.charCodeAt(0)] = Form.CodecAndNumbers;

const ZERO = 0x30;
const NINE = 0x39;
const SPACE = 0x20;

/**
 * The first field of a session's frame, taken apart. It is a view that is used for one frame behind the other, and
 * must be read as long as its frame may be: see `Frame`.
 */
export class Head {
  kind = '';
  /** How the payload is encoded; empty for kinds without a payload. */
  codec = '';
  /** The call it is about, or the number of a ping; 0 where the kind has none. */
  id = 0;
  /** The first number behind the id; undefined where there is none. */
  first: number | undefined = undefined;
  second: number | undefined = undefined;

  /**
   * Reads the head in `octets` from `start` to `end`. Of a kind that is not known only the letter is read.
   * @throws {XtcpError} PROTOCOL_ERROR where it is no head.
   */
  read(octets: Buffer, start: number, end: number): void {
    if (end - start > MAX_HEAD_BYTES) throw malformed(`is longer than ${MAX_HEAD_BYTES} bytes`);
    const letter = start < end ? octets[start]! : 0;
    const form = FORMS[letter]! as Form;
    if (form === Form.NotALetter) throw malformed('does not begin with a letter');
    this.kind = String.fromCharCode(letter);
    this.codec = '';
    this.id = 0;
    this.first = undefined;
    this.second = undefined;
    if (form === Form.Unknown) return;
    let at = start + 1;
    if (form === Form.CodecAndNumbers && at < end) this.codec = String.fromCharCode(octets[at++]!);
    for (let index = 0; ; index++) {
      const begin = at;
      let number = 0;
      let byte = 0;
      while (at < end) {
        byte = octets[at]!;
        if (byte < ZERO || byte > NINE) break;
        number = number * 10 + (byte - ZERO);
        at++;
      }
      const leadingZero = at - begin > 1 && octets[begin] === ZERO;
      if (at === begin || leadingZero || number > Number.MAX_SAFE_INTEGER) throw malformed('has a number that is none');
      if (index === 0) this.id = number;
      else if (index === 1) this.first = number;
      else if (index === 2) this.second = number;
      if (at === end) return;
      if (byte !== SPACE) throw malformed('has a byte that is neither a digit nor a space');
      at++;
    }
  }
}

function malformed(what: string): XtcpError {
  return new XtcpError('PROTOCOL_ERROR', `the head of a frame ${what}`);
}
