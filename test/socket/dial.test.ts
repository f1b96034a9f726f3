import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';

import { describe, expect, onTestFinished, test } from 'vitest';

import type { Cancel } from '../../src/clock/clock.js';
import type { XtcpError } from '../../src/errors/xtcp-error.js';
import type { Endpoint } from '../../src/options/endpoint.js';
import { dial } from '../../src/socket/dial.js';
import { FakeClock } from '../support/fake-clock.js';
import { RawPeer, rawServer } from '../support/raw.js';
import { socketPath } from './streams.js';

interface Dialling {
  readonly clock: FakeClock;
  readonly cancel: Cancel;
  readonly sockets: Socket[];
  readonly errors: XtcpError[];
  /** Resolves with the first thing that the dial tells. */
  readonly told: Promise<void>;
}

function dialling(endpoint: Endpoint, timeoutMs = 2000): Dialling {
  const clock = new FakeClock();
  const sockets: Socket[] = [];
  const errors: XtcpError[] = [];
  const tellers: (() => void)[] = [];
  const told = new Promise<void>((resolve) => tellers.push(resolve));
  const cancel = dial(endpoint, timeoutMs, clock, {
    onConnected: (socket) => {
      sockets.push(socket);
      for (const tell of tellers) tell();
    },
    onFailed: (error) => {
      errors.push(error);
      for (const tell of tellers) tell();
    },
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  return { clock, cancel, sockets, errors, told };
}

/** A port on which nothing listens. */
async function unusedPort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function someTurns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await setImmediate();
}

describe('a dial that succeeds', () => {
  test('hands over a socket that stands, without listeners, and stops its timer', async () => {
    const { port } = await rawServer((peer) => {
      peer.send('hello');
    });
    const { sockets, errors, told, clock } = dialling({ host: '127.0.0.1', port });
    await told;
    const [socket] = sockets;

    expect(socket?.remotePort).toBe(port);
    expect(['data', 'error', 'close'].map((event) => socket?.listenerCount(event))).toEqual([0, 0, 0]);
    expect(clock.pending).toBe(0);
    expect(errors).toEqual([]);
  });

  test('loses nothing that the server says before anybody listens', async () => {
    const { port } = await rawServer((peer) => {
      peer.send('hello');
    });
    const { sockets, told } = dialling({ host: '127.0.0.1', port });
    await told;
    await someTurns();
    const [socket] = sockets;

    expect(await new RawPeer(socket as Socket).take(5)).toBe('hello');
  });

  test('leaves this side open when the server ends its own', async () => {
    const served: RawPeer[] = [];
    const { port } = await rawServer((peer) => {
      served.push(peer);
      peer.socket.end();
    });
    const { sockets, told } = dialling({ host: '127.0.0.1', port });
    await told;
    const client = new RawPeer(sockets[0] as Socket);
    await client.takeAll();
    client.send('late');

    expect(await served[0]?.take(4)).toBe('late');
  });

  test('may be of a Unix socket', async () => {
    const path = await socketPath();
    const server = createServer((socket) => socket.end('hello'));
    onTestFinished(() => {
      server.close();
    });
    server.listen(path);
    await once(server, 'listening');
    const { sockets, told } = dialling({ path });
    await told;

    expect(await new RawPeer(sockets[0] as Socket).takeAll()).toBe('hello');
  });
});

describe('a dial that fails', () => {
  test('because nothing listens there says so, and that nothing was run', async () => {
    const { errors, sockets, told, clock } = dialling({ host: '127.0.0.1', port: await unusedPort() });
    await told;

    expect(errors).toMatchObject([{ name: 'XtcpError', code: 'UNAVAILABLE', executed: false }]);
    expect(errors[0]?.cause).toMatchObject({ code: 'ECONNREFUSED' });
    expect(sockets).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test('because there is no such Unix socket says so', async () => {
    const { errors, told } = dialling({ path: await socketPath() });
    await told;

    expect(errors).toMatchObject([{ code: 'UNAVAILABLE', executed: false, cause: { code: 'ENOENT' } }]);
  });

  test('because it takes longer than its time says so, once, and lets go of the socket', async () => {
    const { port } = await rawServer(() => {});
    const { errors, sockets, clock } = dialling({ host: '127.0.0.1', port }, 2000);
    clock.advance(1999);
    expect(errors).toEqual([]);

    clock.advance(1);
    expect(errors).toMatchObject([{ code: 'UNAVAILABLE', executed: false }]);
    expect(errors[0]?.message).toContain('2000 ms (connectTimeoutMs)');
    await someTurns();
    expect(errors).toHaveLength(1);
    expect(sockets).toEqual([]);
  });

  test('may take any time with a time of 0', async () => {
    const { port } = await rawServer(() => {});
    const { clock, sockets, told } = dialling({ host: '127.0.0.1', port }, 0);
    expect(clock.pending).toBe(0);
    await told;

    expect(sockets).toHaveLength(1);
  });
});

describe('a dial that is cancelled', () => {
  test('says nothing any more, whether it would have succeeded or failed', async () => {
    const { port } = await rawServer(() => {});
    const dials = [dialling({ host: '127.0.0.1', port }), dialling({ host: '127.0.0.1', port: await unusedPort() })];
    for (const { cancel } of dials) {
      cancel();
      cancel();
    }
    await someTurns();

    for (const { sockets, errors, clock } of dials) {
      expect([sockets, errors, clock.pending]).toEqual([[], [], 0]);
    }
  });
});
