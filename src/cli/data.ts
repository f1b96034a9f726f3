import { addAbortSignal } from 'node:stream';

import { readFileOf } from './connection.js';
import { UsageError } from './usage-error.js';

/** The flags that say what is sent. */
export interface DataFlags {
  /** A JSON text, or true where what is given in another way is JSON. */
  readonly json?: string | true;
  readonly file?: string;
  readonly streamIn?: true;
}

/** Stands for stdin, as data and as a file. */
const STDIN = '-';

/**
 * What is sent in one piece: text from the command line or stdin, a file's octets, JSON where that is asked for;
 * undefined where there is none.
 * @param signal ends the wait for stdin
 * @param jsonFlag how the flag for JSON is called
 * @throws {UsageError} where it is given twice, or is not what it should be
 */
export async function readData(
  words: string | undefined,
  flags: DataFlags,
  signal: AbortSignal,
  jsonFlag = '--json',
): Promise<unknown> {
  const { json, file } = flags;
  const given = [
    ...(words === undefined ? [] : ['an argument']),
    ...(typeof json === 'string' ? [`${jsonFlag} with a value`] : []),
    ...(file === undefined ? [] : ['--file']),
    ...(flags.streamIn ? ['--stream-in'] : []),
  ];
  if (given.length > 1) throw new UsageError(`the data is given twice: as ${given[0]} and as ${given[1]}`);
  if (flags.streamIn) return undefined;
  if (typeof json === 'string') return fromJson(json, jsonFlag);
  if (file !== undefined) {
    const octets = file === STDIN ? await readStdin(signal) : readFileOf('file', file);
    return json === true ? fromJson(toUtf8(octets, file), file) : octets;
  }
  if (words === undefined) {
    if (json === true) throw new UsageError(`${jsonFlag} has no value, and there is no other data`);
    return undefined;
  }
  if (words !== STDIN) return json === true ? fromJson(words, 'the data') : words;
  const text = toUtf8(await readStdin(signal), 'stdin');
  // One that `echo` adds is meant to end the line, not to be sent.
  return json === true ? fromJson(text, 'stdin') : text.replace(/\r?\n$/, '');
}

/**
 * The lines of stdin, each a text or, where `isJson`, a JSON value; those without anything in them are left out then.
 * @throws {UsageError} where one is not what it should be
 */
export async function* readItems(isJson: boolean): AsyncGenerator<unknown, void, undefined> {
  let number = 0;
  for await (const line of linesOf(process.stdin)) {
    number++;
    if (!isJson) yield line;
    else if (line.trim() !== '') yield fromJson(line, `line ${number} of stdin`);
  }
}

async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const decode = (chunk?: Buffer): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch {
      throw new UsageError('stdin is not UTF-8');
    }
  };
  let rest = '';
  for await (const chunk of source) {
    const lines = (rest + decode(chunk)).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield line.replace(/\r$/, '');
  }
  rest += decode();
  if (rest !== '') yield rest;
}

async function readStdin(signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  addAbortSignal(signal, process.stdin);
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function toUtf8(octets: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    const advice = what === 'stdin' ? '; --file - sends the bytes as they are' : '';
    throw new UsageError(`${what} is not UTF-8${advice}`);
  }
}

function fromJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UsageError(`${what} is not JSON: ${(error as Error).message}`);
  }
}
