import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { LiveConnection } from './live.js';
import type { TargetName } from './targets.js';

/** Something that fuzzing found, as it is kept: bytes as latin1 text. */
export interface Case {
  readonly target: TargetName;
  /** What did not hold. */
  readonly found: string;
  /** For a live server, the ending of each connection comes with its pieces. */
  readonly input: readonly string[] | readonly { readonly stream: readonly string[]; readonly ending: string }[];
}

/** All cases that are kept in `directory`. */
export function readCases(directory: string): [file: string, kept: Case][] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .map((file) => [file, JSON.parse(readFileSync(join(directory, file), 'utf8')) as Case]);
}

/** The input of a case, as its target takes it. */
export function inputOf({ input }: Case): unknown {
  return input.map((part) =>
    typeof part === 'string' ? bytesOf(part) : { ...part, stream: part.stream.map(bytesOf) },
  );
}

/** A finding, as a case to be kept. */
export function caseOf(target: TargetName, found: string, input: unknown): Case {
  const parts = input as readonly (Buffer | LiveConnection)[];
  return {
    target,
    found,
    input: parts.map((part) =>
      Buffer.isBuffer(part) ? textOf(part) : { ...part, stream: part.stream.map(textOf) },
    ) as Case['input'],
  };
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function textOf(bytes: Buffer): string {
  return bytes.toString('latin1');
}
