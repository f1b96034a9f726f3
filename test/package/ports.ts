import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

import { onTestFinished } from 'vitest';

/** Whether nobody listens on a port of this machine: listens there, for a moment. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const { port, close } = await listen();
  await close();
  return port;
}

/** A port that is taken until the test ends. */
export async function takenPort(): Promise<number> {
  const { port, close } = await listen();
  onTestFinished(close);
  return port;
}

async function listen(): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}
