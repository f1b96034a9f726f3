import { XtcpError } from '../errors/xtcp-error.js';
import { fromJson, toJson } from '../wire/codec.js';
import { AROUND_ERROR_BYTES, encodeError, errorIn } from '../wire/error-field.js';
import type { Frame } from '../wire/frame.js';

/** The first field of a hello. */
export const PROTOCOL_NAME = 'xtcp';
/** The field of a hello that says the rest. */
export const HELLO_JSON = 2;
/** The highest version of sessions that this side speaks. */
export const VERSION = 1;

/** The least that a peer may say for each, and what counts where it says nothing or has not spoken yet. */
export const LEAST = { maxFrame: 65_536, window: 65_536, maxCalls: 100 } as const;

/** What counts for a session from its hello on. */
export interface Terms {
  /** Bytes that it takes in one frame. */
  readonly maxFrame: number;
  /** Credit, in bytes, that it grants every stream of items sent to it. */
  readonly window: number;
  /** Calls that it serves at once on the connection. */
  readonly maxCalls: number;
  /** Codec letters that it speaks beyond `- t j b`. */
  readonly codecs: readonly string[];
}

/** What one side says of itself at the start of a session. */
export interface Hello extends Terms {
  /** What a client calls itself. */
  readonly name?: string | undefined;
  /** A client's token. */
  readonly auth?: string | undefined;
}

export function helloFields(hello: Hello): string[] {
  return [PROTOCOL_NAME, String(VERSION), toJson(hello)];
}

/** The answer to a hello that is turned away. */
export function refusalFields(error: XtcpError): string[] {
  // Less what is around the error, so that it fits whoever has not said what fits.
  return [PROTOCOL_NAME, String(VERSION), `{"error":${encodeError(error, LEAST.maxFrame - AROUND_ERROR_BYTES)}}`];
}

/** Whether a first frame opens a session, well or badly. */
export function isHello(frame: Frame): boolean {
  return frame.count >= 3 && frame.start(0, PROTOCOL_NAME.length + 1) === PROTOCOL_NAME;
}

/**
 * Reads a hello, or a server's answer to one.
 * @throws {XtcpError} PROTOCOL_ERROR where it is none; what a refusal says, where it is one.
 */
export function readHello(frame: Frame, from: 'client' | 'server'): Hello {
  const version = frame.start(1, 11);
  if (!/^[1-9][0-9]{0,9}$/.test(version)) throw wrong('its version is no number above 0');
  if (from === 'server' && Number(version) > VERSION) throw wrong('its version is above the one asked for');
  let json: string;
  let members: unknown;
  try {
    json = frame.text(HELLO_JSON);
    members = fromJson(json, 'the hello');
  } catch {
    throw wrong('it is no JSON');
  }
  if (typeof members !== 'object' || members === null || Array.isArray(members)) throw wrong('it is no JSON object');
  if (/[\r\n]/.test(json)) throw wrong('it has a raw CR or LF');
  // Without a prototype: what a peer leaves out must not be found there.
  const said = Object.assign(Object.create(null) as object, members) as Record<string, unknown>;
  const { error, codecs = [], name, auth } = said;
  if (from === 'server' && error !== undefined) throw refused(error);
  if (!Array.isArray(codecs) || !codecs.every((codec) => typeof codec === 'string'))
    throw wrong('its codecs are wrong');
  for (const text of [name, auth]) {
    if (text !== undefined && typeof text !== 'string') throw wrong('its name or auth is no text');
  }
  return {
    maxFrame: number(said, 'maxFrame'),
    window: number(said, 'window'),
    maxCalls: number(said, 'maxCalls'),
    codecs,
    name: name as string | undefined,
    auth: auth as string | undefined,
  };
}

/** The last terms there were. */
let lastTerms: Terms | undefined;

/** The terms of a hello; one object for those that say the same one behind the other, as most clients of a server do. */
export function termsOf({ maxFrame, window, maxCalls, codecs }: Hello): Terms {
  const isSame =
    maxFrame === lastTerms?.maxFrame &&
    window === lastTerms.window &&
    maxCalls === lastTerms.maxCalls &&
    codecs.length === lastTerms.codecs.length &&
    codecs.every((codec, index) => codec === lastTerms?.codecs[index]);
  if (!isSame) lastTerms = { maxFrame, window, maxCalls, codecs };
  return lastTerms!;
}

function number(members: Record<string, unknown>, name: keyof typeof LEAST): number {
  const value = members[name];
  if (value === undefined) return LEAST[name];
  if (!Number.isSafeInteger(value) || (value as number) < LEAST[name]) {
    throw wrong(`its ${name} is not a whole number of ${LEAST[name]} or more`);
  }
  return value as number;
}

function refused(error: unknown): XtcpError {
  // Nothing behind a refused hello is ever run (docs/protocol.md, "Opening").
  return errorIn(error).notExecuted();
}

function wrong(what: string): XtcpError {
  return new XtcpError('PROTOCOL_ERROR', `the hello cannot be read: ${what}`, { executed: false });
}
