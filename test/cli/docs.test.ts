import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { built } from '../package/dist.js';
import { ROOT, runProgram } from '../package/processes.js';
import { startCliService } from './service.js';
import { temporaryFolder } from './temporary.js';

/** What the samples call. */
const PORT = ':8001';

const HEALTH = { status: 'SERVING', services: { mail: 'NOT_SERVING', database: 'SERVING' } };
const properties = { name: { type: 'string' }, age: { type: 'integer' } };
const PATTERNS = [
  { pattern: 'note', kind: 'event', description: null, schema: null, reason: 'none is declared' },
  {
    pattern: 'signup',
    kind: 'call',
    description: 'Adds a user.',
    schema: { type: 'object', properties, required: ['name'] },
    reason: null,
  },
];

interface Session {
  readonly command: string;
  readonly printed: string;
}

/** The commands in the samples of the documents, and what they print there. */
function sessions(): Session[] {
  const document = ['README.md', 'docs/cli.md'].map((name) => readFileSync(join(ROOT, name), 'utf8')).join('\n');
  return [...document.matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, block = '']) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((session) => {
        const [command = '', ...lines] = session.split('\n');
        return { command, printed: lines.join('\n') };
      }),
  );
}

/** The text with times replaced, which differ, and with one space for many. */
function comparable(text: string): string {
  return text.replaceAll(/\d+\.\d{3}/g, '#').replaceAll(/ +/g, ' ');
}

it.each(sessions())('the documents say what is printed by: $command', async ({ command, printed }) => {
  const { target } = await startCliService(
    {},
    {
      patterns: { patterns: PATTERNS },
      health: (service) => (service === 'mail' ? { status: 'NOT_SERVING' } : HEALTH),
    },
  );
  const port = target.slice(target.lastIndexOf(':'));
  const folder = temporaryFolder();
  const program = join(folder, 'xtcp');
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${built('cli/main.js')}" "$@"\n`);
  chmodSync(program, 0o755);
  const env = { PATH: `${folder}:${process.env['PATH']}`, NO_COLOR: '' };
  // Only in an address: a port alone, as a mistake that is shown, stays.
  const ran = command.replaceAll(`localhost${PORT}`, `localhost${port}`);
  const { stdout, stderr } = await runProgram('sh', ['-c', ran], { env, cwd: folder });
  expect(comparable(`${stdout}${stderr}`.replaceAll(`localhost${port}`, `localhost${PORT}`))).toBe(comparable(printed));
});
