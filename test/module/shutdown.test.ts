import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';

import { XtcpModule } from '../../src/index.js';
import { SessionPeer } from '../faults/support/session-peer.js';
import { UpperController } from '../nest/support/upper.controller.js';
import { built } from '../package/dist.js';
import { applicationFolder, type Folder } from '../package/folder.js';
import { startProgram } from '../package/processes.js';
import { compile } from '../package/readme.js';
import { startService } from '../support/service.js';
import { Caller, startContext } from './applications.js';

const TIMEOUT_MS = 30_000;

test('an application without a server closes its clients, too', async () => {
  const { port } = await startService([UpperController]);
  const app = await startContext([XtcpModule.register({ clients: [{ name: 'UPPER', options: { port } }] })]);
  const { client } = app.get(Caller);
  expect(await app.get(Caller).upper('a')).toBe('A');
  expect(client.unwrap()).toHaveLength(1);

  await app.close();

  expect(() => client.unwrap()).toThrow('Not initialized');
});

let folder: Folder;

beforeAll(() => {
  built('index.js');
  folder = applicationFolder('relaying', { type: 'module' });
  folder.write('app.ts', readFileSync(new URL('relaying-app.ts', import.meta.url), 'utf8'));
  const [complaint] = compile(folder, ['app.ts']);
  if (complaint !== undefined) throw new Error(complaint);
}, TIMEOUT_MS);

afterAll(() => {
  folder.remove();
});

describe.each(['alone', 'hybrid'])('a service that calls another, %s', { timeout: TIMEOUT_MS }, (kind) => {
  it.each(['drainOnSignals', 'enableShutdownHooks', 'app.close()'])(
    'can still call while its handlers finish, and then closes its clients: %s',
    async (stopping) => {
      const upper = await startService([UpperController]);
      const args = ['app.js', kind, stopping, String(upper.port)];
      const program = startProgram(process.execPath, args, { cwd: folder.path });
      const [, port] = await program.untilPrinted(/^port (\d+)$/m);
      const peer = await SessionPeer.open(Number(port));
      peer.send('Qt1', 'relay', 'waited');
      await program.untilPrinted(/^called$/m);

      const byItself = stopping === 'app.close()';
      if (byItself) {
        peer.send('Qt2', 'stop', '');
        await peer.take();
      } else program.signal('SIGTERM');
      expect((await peer.take())?.[0]).toBe('G');
      peer.send('Qt3', 'open', '');
      const answers = [await peer.take(), await peer.take()];
      expect(answers).toContainEqual(['At3', 'opened']);
      expect(answers).toContainEqual(['At1', 'WAITED']);
      peer.raw.socket.end();

      const { code, signal, stderr, stdout } = await program.exit;
      expect([code, signal, stderr]).toEqual([byItself ? 0 : null, byItself ? null : 'SIGTERM', '']);
      const lines = stdout.trim().split('\n').slice(1);
      // What is asked of Nest alone destroys modules first, but for a lone microservice that is closed.
      const destroyedFirst = stopping === 'enableShutdownHooks' || (byItself && kind === 'hybrid');
      const between = destroyedFirst ? ['onModuleDestroy', 'relayed'] : ['relayed', 'onModuleDestroy'];
      expect(lines).toEqual(['called', ...between, 'client closed']);
    },
  );
});
