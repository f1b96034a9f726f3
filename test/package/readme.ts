import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import ts from 'typescript';

import type { Folder } from './folder.js';
import { ROOT } from './processes.js';

/** A fenced code block of README.md. */
export interface Sample {
  readonly language: string;
  readonly text: string;
  /** The file that its first line names in a comment: `// main.ts`, `# call.py`. */
  readonly file: string | undefined;
}

export const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** The programs of docs/sessions.md, each put together from its pieces, and all that the text says they print. */
export function sessionPrograms(): { readonly service: string; readonly caller: string; readonly prints: string[] } {
  const text = readFileSync(join(ROOT, 'docs/sessions.md'), 'utf8');
  const pieces = samples(text);
  const program = (name: string): string =>
    pieces
      .filter(({ file }) => file === name)
      .map((piece) => piece.text)
      .join('\n');
  // A sentence that says what is printed ends where a full stop, colon or semicolon is outside of quotes.
  const prints = [...text.matchAll(/^prints ((?:`[^`]*`|[^`.:;])*)/gm)].flatMap(([, said = '']) =>
    [...said.matchAll(/`([^`]+)`/g)].map(([, line = '']) => line),
  );
  return { service: program('service.ts'), caller: program('caller.ts'), prints };
}

/** A program of a page under docs/, put together from its pieces. */
export function docSamples(page: string, file: string): string {
  const pieces = samples(readFileSync(join(ROOT, 'docs', page), 'utf8')).filter((piece) => piece.file === file);
  return pieces.map(({ text }) => text).join('\n');
}

export function samples(text = readme): Sample[] {
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', sample = '']) => ({
    language,
    text: sample,
    file: /^(?:\/\/|#) ([\w.-]+\.\w+)\n/.exec(sample)?.[1],
  }));
}

/** What the fragments among the samples use without importing or declaring it. */
const HEADER = `
import 'reflect-metadata';
import { Client, type ClientOptions, ClientProxy, MessagePattern, Payload } from '@nestjs/microservices';
import { XtcpClient, type XtcpExtras } from 'nestjs-xtcp';
import { lastValueFrom } from 'rxjs';
export const names = { Client, ClientProxy, MessagePattern, Payload, lastValueFrom };
export type Names = [ClientOptions, XtcpExtras];
export const client = new XtcpClient();
`;

/** A fragment as a file that can run: members of a class stand in one. */
export function fragmentFile({ text }: Sample): string {
  return HEADER + (text.startsWith('@') ? `export class Sample {\n${text}}\n` : text);
}

/** The lines that a fragment says that it prints: `console.log(error.code); // 'UNAVAILABLE'`. */
export function linesToPrint({ text }: Sample): string[] {
  const literal = /console\.log\(.*\); \/\/ ((?:'[^']*'|true|false|\d+)(?: (?:'[^']*'|true|false|\d+))*)(?=:|$)/gm;
  return [...text.matchAll(literal)].map(([, values = '']) => values.replaceAll("'", ''));
}

/**
 * Compiles files of a folder in place, with the options of this repository.
 * @param others options beside or instead of these
 * @returns what the compiler has to say against them
 */
export function compile(folder: Folder, files: readonly string[], others: ts.CompilerOptions = {}): string[] {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: object;
  };
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, ROOT);
  const program = ts.createProgram(
    files.map((file) => join(folder.path, file)),
    {
      ...options,
      // The package itself, as an application finds it.
      paths: {},
      noEmit: false,
      rootDir: folder.path,
      outDir: folder.path,
      // As in the applications that Nest's own starter makes.
      strictPropertyInitialization: false,
      ...others,
    },
  );
  const { diagnostics } = program.emit();
  return [...ts.getPreEmitDiagnostics(program), ...diagnostics].map(
    (diagnostic) =>
      `${diagnostic.file?.fileName.split('/').at(-1) ?? ''}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')}`,
  );
}
