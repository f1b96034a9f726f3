import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';

import { onTestFinished } from 'vitest';

/** A path for a Unix domain socket, in a directory of its own that goes when the test ends. */
export async function socketPath(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'xtcp-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'upper.sock');
}

/** A port on which nothing listens. */
export async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** How Node says that a port takes no connection; undefined where it does. */
export async function refusal(port: number): Promise<string | undefined> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  return new Promise((resolve) => {
    socket.once('connect', () => {
      resolve(undefined);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code);
    });
  });
}
