import { spawnSync } from 'node:child_process';

import { lastValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { clientOf } from '../support/service.js';
import { built } from './dist.js';
import { applicationFolder, type Folder } from './folder.js';
import { isFree } from './ports.js';
import { Program, runProgram } from './processes.js';
import { compile, fragmentFile, linesToPrint, readme, samples, sessionPrograms } from './readme.js';

/** The port that the samples have printed in them. */
const PORT = 8001;
const TIMEOUT_MS = 60_000;

const named = samples().filter(({ file }) => file !== undefined);
const fragments = samples()
  .filter(({ language, file }) => language === 'ts' && file === undefined)
  .map((sample, index) => ({ sample, file: `fragment-${index + 1}.ts` }));

const hasPython = spawnSync('python3', ['--version'], { stdio: 'ignore' }).status === 0;
// Only netcat-openbsd, which the README names, has -N.
const netcat = spawnSync('nc', ['-h'], { encoding: 'utf8' });
const hasNetcat = /^\s*-N\b/m.test(`${netcat.stdout}${netcat.stderr}`);
if (!hasPython) process.stderr.write('There is no python3 on the PATH: the sample in Python is skipped.\n');
if (!hasNetcat) process.stderr.write('There is no nc with -N on the PATH (netcat-openbsd): its sample is skipped.\n');

describe('the samples of README.md', { timeout: TIMEOUT_MS }, () => {
  let folder: Folder | undefined;
  let complaints: string[] = [];

  beforeAll(async () => {
    built('index.js');
    folder = applicationFolder('readme', { type: 'module' });
    if (!(await isFree(PORT))) {
      throw new Error(`Port ${PORT}, which the samples of README.md use, is taken: stop what listens there`);
    }
    for (const { file, text } of named) folder.write(file!, text);
    for (const { file, sample } of fragments) folder.write(file, fragmentFile(sample));
    const files = [...named, ...fragments].map(({ file }) => file!);
    complaints = compile(
      folder,
      files.filter((file) => file.endsWith('.ts')),
    );
  }, TIMEOUT_MS);

  afterAll(() => {
    folder?.remove();
  });

  it('are a server, a client, a module, and calls from a shell and from Python', () => {
    expect(named.map(({ file, language }) => [file, language])).toEqual([
      ['app.module.ts', 'ts'],
      ['main.ts', 'ts'],
      ['client.ts', 'ts'],
      ['orders.module.ts', 'ts'],
      ['call.sh', 'sh'],
      ['call.py', 'python'],
    ]);
    expect(fragments.length).toBeGreaterThan(0);
  });

  it('compile as they are printed', () => {
    expect(complaints).toEqual([]);
  });

  it.each(fragments)('run where they are fragments, and print what their comments say: $file', async (fragment) => {
    const file = fragment.file.replace('.ts', '.js');
    const exit = await runProgram(process.execPath, [file], { cwd: folder!.path });
    const lines = linesToPrint(fragment.sample);
    expect(exit).toMatchObject({ code: 0, stderr: '' });
    expect(exit.stdout.split('\n').slice(0, lines.length)).toEqual(lines);
  });

  it('show the very error that a call gets where no server is', async () => {
    const error: unknown = await lastValueFrom(clientOf(PORT).send('toupper', 'xiaoxiao')).catch(
      (reason: unknown) => reason,
    );
    expect(readme).toContain(`  // ${String(error)}\n`);
  });

  describe('with the server running', () => {
    let server: Program;

    beforeAll(async () => {
      server = new Program(process.execPath, ['main.js'], { cwd: folder!.path });
      await server.untilPrinted(/Nest microservice successfully started/);
    }, TIMEOUT_MS);

    afterAll(async () => {
      await server.destroy();
    });

    it('print what a call answers: client.ts', async () => {
      const exit = await runProgram(process.execPath, ['client.js'], { cwd: folder!.path });
      expect(exit).toEqual({ code: 0, signal: null, stdout: 'XIAOXIAO\n', stderr: '' });
    });

    it.skipIf(!hasPython)('print what a call answers: call.py', async () => {
      const exit = await runProgram('python3', ['call.py'], { cwd: folder!.path });
      expect(exit).toEqual({ code: 0, signal: null, stdout: 'XIAOXIAO\n', stderr: '' });
    });

    it.skipIf(!hasNetcat)('print what a call answers: call.sh', async () => {
      const exit = await runProgram('sh', ['call.sh'], { cwd: folder!.path });
      expect(exit).toEqual({ code: 0, signal: null, stdout: '8\r\nXIAOXIAO\r\n\r\n', stderr: '' });
    });

    it('leave nothing behind when the server is told to stop', async () => {
      server.signal('SIGTERM');
      const exit = await server.exit;
      // Nest ends the process with the signal that it got.
      expect(exit).toMatchObject({ signal: 'SIGTERM', stderr: '' });
      expect(await isFree(PORT)).toBe(true);
    });
  });
});

// Here, since they use the same port as those of README.md.
describe('the two programs of docs/sessions.md', { timeout: TIMEOUT_MS }, () => {
  it('compile, and the caller prints what the text says', async () => {
    const { service, caller, prints } = sessionPrograms();
    const folder = applicationFolder('sessions', { type: 'module' });
    onTestFinished(() => {
      folder.remove();
    });
    folder.write('service.ts', service);
    folder.write('caller.ts', caller);
    expect(compile(folder, ['service.ts', 'caller.ts'])).toEqual([]);

    const program = new Program(process.execPath, ['service.js'], { cwd: folder.path });
    onTestFinished(() => program.destroy());
    await program.untilPrinted(/Nest microservice successfully started/);
    const exit = await runProgram(process.execPath, ['caller.js'], { cwd: folder.path });

    expect(exit).toMatchObject({ code: 0, stderr: '' });
    expect(exit.stdout.trimEnd().split('\n')).toEqual(prints);
  });
});
