import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { SessionPeer } from '../faults/support/session-peer.js';
import { applicationFolder, type Folder } from './folder.js';
import { startProgram, type Program } from './processes.js';
import { compile } from './readme.js';

const TIMEOUT_MS = 30_000;

let folder: Folder;

beforeAll(() => {
  folder = applicationFolder('draining', { type: 'module' });
  folder.write('app.ts', readFileSync(new URL('draining-app.ts', import.meta.url), 'utf8'));
  const [complaint] = compile(folder, ['app.ts']);
  if (complaint !== undefined) throw new Error(complaint);
}, TIMEOUT_MS);

afterAll(() => {
  folder.remove();
});

/** An application whose client has a call running. */
async function withCallRunning(kind: string): Promise<{ program: Program; peer: SessionPeer; lines: () => string[] }> {
  const program = startProgram(process.execPath, ['app.js', kind], { cwd: folder.path });
  const [, port] = await program.untilPrinted(/^port (\d+)$/m);
  const peer = await SessionPeer.open(Number(port));
  peer.send('Qt1', 'wait', '');
  await program.untilPrinted(/^called$/m);
  return { program, peer, lines: () => program.stdout.trim().split('\n').slice(1) };
}

describe.each(['alone', 'hybrid'])('an application that drains on signals, %s', { timeout: TIMEOUT_MS }, (kind) => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'lets its calls end on %s before its hooks run, and ends by the signal',
    async (signal) => {
      const { program, peer, lines } = await withCallRunning(kind);
      program.signal(signal);
      expect((await peer.take())?.[0]).toBe('G');
      // It is draining now, and still serves what comes.
      expect(lines()).toEqual(['called']);
      peer.send('Qt2', 'open', '');
      const answers = [await peer.take(), await peer.take()];
      expect(answers).toContainEqual(['At1', 'waited']);
      expect(answers).toContainEqual(['At2', 'opened']);
      expect(lines()).toEqual(['called', 'ended']);
      peer.raw.socket.end();

      const { code, signal: endedBy, stderr } = await program.exit;
      expect([code, endedBy, stderr]).toEqual([null, signal, '']);
      expect(lines()).toEqual(['called', 'ended', 'onModuleDestroy', `onApplicationShutdown ${signal}`]);
    },
  );

  it('is ended at once by a second signal', async () => {
    const { program, peer, lines } = await withCallRunning(kind);
    program.signal('SIGTERM');
    expect((await peer.take())?.[0]).toBe('G');
    program.signal('SIGTERM');
    const { code, signal, stderr } = await program.exit;
    expect([code, signal, stderr, lines()]).toEqual([null, 'SIGTERM', '', ['called']]);
    expect(await peer.take()).toBeUndefined();
  });

  it('ends by the signal at once where nothing runs, its hooks having run', async () => {
    const program = startProgram(process.execPath, ['app.js', kind], { cwd: folder.path });
    await program.untilPrinted(/^port \d+$/m);
    program.signal('SIGTERM');
    const { code, signal, stdout } = await program.exit;
    expect([code, signal]).toEqual([null, 'SIGTERM']);
    expect(stdout).toMatch(/^port \d+\nonModuleDestroy\nonApplicationShutdown SIGTERM\n$/);
  });
});
