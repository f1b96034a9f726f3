import { expect, onTestFinished, test } from 'vitest';

import { XtcpServer } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { startService } from '../support/service.js';
import { ask } from './support/classic.js';
import { refusal } from './support/addresses.js';
import { UpperController } from './support/upper.controller.js';

test('listen returns before it listens, and tells of it through its callback alone', async () => {
  const server = new XtcpServer({ port: 0 });
  onTestFinished(() => server.close());
  const told = new Promise<unknown[]>((resolve) => {
    const returned: unknown = server.listen((...args) => {
      resolve([returned, ...args]);
    });
  });

  expect(server.unwrap().listening).toBe(false);
  expect(await told).toEqual([undefined, undefined, server.unwrap().address()]);
  expect(server.unwrap().listening).toBe(true);
});

test('close of a server that never listened resolves', async () => {
  const server = new XtcpServer({ port: 0 });

  await server.close();
  await server.close();

  expect(server.unwrap().listening).toBe(false);
});

test('a server that was closed may listen again, with its handlers', async () => {
  const { app, server, port } = await startService([UpperController]);
  const peer = await RawPeer.dial(port);
  expect(await ask(peer, 'toupper', 'one')).toBe('ONE');
  peer.socket.end();
  await server.close();

  const { port: next } = (await app.listen()) as unknown as { port: number };

  const again = await RawPeer.dial(next);
  expect(await ask(again, 'toupper', 'two')).toBe('TWO');
  again.socket.end();
  await server.close();
  expect(await refusal(next)).toBe('ECONNREFUSED');
});

test('close while the server is about to listen leaves nothing listening', async () => {
  const server = new XtcpServer({ port: 0 });
  onTestFinished(() => server.close());
  const listened = new Promise((resolve) => {
    server.listen((...args) => {
      resolve(args);
    });
  });

  await Promise.all([server.close(), listened]);

  expect(server.unwrap().listening).toBe(false);
});

test('to listen twice is refused, and the server goes on listening', async () => {
  const { server, port } = await startService([UpperController]);
  const seen: string[] = [];
  server.status.subscribe((status) => seen.push(status));

  const [error] = await new Promise<unknown[]>((resolve) => {
    server.listen((...args) => {
      resolve(args);
    });
  });

  expect(error).toMatchObject({ code: 'ERR_SERVER_ALREADY_LISTEN' });
  expect(await ask(await RawPeer.dial(port), 'toupper', 'still')).toBe('STILL');
  expect(seen).toEqual(['connected']);
});
