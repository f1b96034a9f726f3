import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll } from 'vitest';

import { Program, runProgram, type Exit } from '../package/processes.js';

/** Whether there is a Python (3.7 or newer) for the imitations of the old peers. */
export const hasPython = spawnSync('python3', ['-c', 'import asyncio; asyncio.run'], { stdio: 'ignore' }).status === 0;

if (!hasPython) {
  process.stderr.write(
    'There is no python3 (3.7 or newer) on the PATH: tests with the old peers are skipped; the exchanges recorded from them are run.\n',
  );
}

const scriptPath = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Starts the old server for the tests of the `describe` around it; to be read in them: the port it listens on. */
export function oldServer(...args: string[]): { port: number } {
  const address = { port: 0 };
  let program: Program | undefined;
  beforeAll(async () => {
    program = new Program('python3', [scriptPath('old_server.py'), ...args]);
    const [, port] = await program.untilPrinted(/^listening 127\.0\.0\.1 (\d+)$/m);
    address.port = Number(port);
  });
  afterAll(async () => {
    program?.endInput();
    await program?.exit;
  });
  return address;
}

/** Has the old client make calls, one after the other: `METHOD PARAMS METHOD PARAMS …`, and options of its own. */
export function oldClient(port: number, calls: readonly string[], options: readonly string[] = []): Promise<Exit> {
  return runProgram('python3', [scriptPath('old_client.py'), ...options, '127.0.0.1', String(port), ...calls]);
}
