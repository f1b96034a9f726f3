import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { built } from '../package/dist.js';
import { applicationFolder } from '../package/folder.js';
import { freePort } from '../package/ports.js';
import { ROOT, runProgram, startProgram } from '../package/processes.js';
import { compile, linesToPrint, samples, type Sample } from '../package/readme.js';

const TIMEOUT_MS = 60_000;
/** The port that the documents have printed in them. */
const PRINTED_PORT = '8001';

/** A document's two programs, service.ts and caller.ts, run; what the caller printed, and the document's samples. */
async function run(document: string): Promise<{ stdout: string; pieces: Sample[] }> {
  const pieces = samples(readFileSync(join(ROOT, 'docs', document), 'utf8'));
  const port = String(await freePort());
  const folder = applicationFolder(document, { type: 'module' });
  onTestFinished(() => {
    folder.remove();
  });
  for (const name of ['service.ts', 'caller.ts']) {
    const program = pieces.filter(({ file }) => file === name).map(({ text }) => text);
    folder.write(name, program.join('\n').replaceAll(PRINTED_PORT, port));
  }
  // The types of schema libraries take longer to check than all else.
  expect(compile(folder, ['service.ts', 'caller.ts'], { skipLibCheck: true })).toEqual([]);

  const service = startProgram(process.execPath, ['service.js'], { cwd: folder.path });
  await service.untilPrinted(/Nest microservice successfully started/);
  const { code, stderr, stdout } = await runProgram(process.execPath, ['caller.js'], { cwd: folder.path });
  expect([code, stderr]).toEqual([0, '']);
  service.signal('SIGTERM');
  expect(await service.exit).toMatchObject({ signal: 'SIGTERM', stderr: '' });
  return { stdout, pieces };
}

beforeAll(() => {
  built('index.js');
});

describe('the programs of docs/', { timeout: TIMEOUT_MS }, () => {
  it('module.md compile, run, and print what their comments say', async () => {
    const { stdout, pieces } = await run('module.md');
    const lines = pieces.filter(({ file }) => file === 'caller.ts').flatMap(linesToPrint);
    expect(lines).toHaveLength(4);
    expect(stdout.trimEnd().split('\n')).toEqual(lines);
  });

  it('reflection.md compile, run, and print what stands below them', async () => {
    const { stdout, pieces } = await run('reflection.md');
    expect(stdout).toBe(pieces.find(({ language }) => language === 'json')?.text);
  });
});
