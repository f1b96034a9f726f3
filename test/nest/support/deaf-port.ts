import { once } from 'node:events';
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';

import { onTestFinished } from 'vitest';

/** Listens, says where, and then never accepts, since its event loop stands still. */
const LISTEN_AND_SLEEP = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;

/** What the kernel takes for a backlog of 1; the next connection hangs, neither accepted nor refused. */
const BACKLOG_TAKES = 2;

/** A port at which connecting hangs. */
export async function deafPort(): Promise<number> {
  const worker = new Worker(LISTEN_AND_SLEEP, { eval: true });
  onTestFinished(async () => {
    await worker.terminate();
  });
  const [port] = (await once(worker, 'message')) as [number];
  for (let taken = 0; taken < BACKLOG_TAKES; taken++) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    onTestFinished(() => {
      socket.destroy();
    });
    await once(socket, 'connect');
  }
  return port;
}
