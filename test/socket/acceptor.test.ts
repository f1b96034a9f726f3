import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';

import { expect, onTestFinished, test } from 'vitest';

import { Acceptor } from '../../src/socket/acceptor.js';
import { RawPeer } from '../support/raw.js';

interface Accepting {
  readonly acceptor: Acceptor<string>;
  readonly sockets: Socket[];
  readonly listen: () => Promise<number>;
  /** Dials it, and waits until it has taken the connection. */
  readonly dial: (port: number) => Promise<RawPeer>;
}

function accepting(): Accepting {
  const sockets: Socket[] = [];
  const acceptor = new Acceptor(
    {
      admits: () => true,
      onGone: () => {},
      onConnection: (socket) => {
        sockets.push(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          acceptor.closed(socket);
        });
        return `connection ${sockets.length}`;
      },
      onHandshakeFailed: () => {},
    },
    0,
  );
  onTestFinished(() => {
    acceptor.server.close();
    acceptor.destroyConnections();
  });
  return {
    acceptor,
    sockets,
    listen: async () => {
      acceptor.listen({ host: '127.0.0.1', port: 0 });
      await once(acceptor.server, 'listening');
      return (acceptor.server.address() as AddressInfo).port;
    },
    dial: async (port) => {
      const accepted = once(acceptor.server, 'connection');
      const peer = await RawPeer.dial(port);
      await accepted;
      return peer;
    },
  };
}

async function isOver(promise: Promise<void>): Promise<boolean> {
  let over = false;
  const end = (): void => {
    over = true;
  };
  promise.then(end, end);
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  return over;
}

test('every connection is handed over', async () => {
  const { sockets, listen, dial } = accepting();
  const port = await listen();
  const peers = [await dial(port), await dial(port)];

  expect(sockets.map(({ remotePort }) => remotePort)).toEqual(peers.map(({ socket }) => socket.localPort));
});

test('what was made of a connection is known until it is closed, or given up', async () => {
  const { acceptor, sockets, listen, dial } = accepting();
  const port = await listen();
  for (let count = 0; count < 3; count++) await dial(port);
  const [first, second, third] = sockets as [Socket, Socket, Socket];
  expect(acceptor.connections()).toEqual(['connection 1', 'connection 2', 'connection 3']);
  expect(acceptor.connectionOf(second)).toBe('connection 2');

  first.destroy();
  await once(first, 'close');
  acceptor.giveUp(second);
  expect(acceptor.connections()).toEqual(['connection 3']);
  expect([first, second, third].map((socket) => acceptor.connectionOf(socket))).toEqual([
    undefined,
    undefined,
    'connection 3',
  ]);
  const closed = acceptor.close();
  third.destroy();
  expect(await isOver(closed)).toBe(false);
  second.destroy();
  await closed;
});

test('a client that has ended its output may still be written to', async () => {
  const { sockets, listen, dial } = accepting();
  const peer = await dial(await listen());
  const [socket] = sockets;
  socket?.resume();
  peer.socket.end();
  await once(socket as Socket, 'end');
  socket?.end('late');

  expect(await peer.takeAll()).toBe('late');
});

test('closing stops accepting at once, and is over when the last connection is closed', async () => {
  const { acceptor, sockets, listen, dial } = accepting();
  const port = await listen();
  await dial(port);
  const closed = acceptor.close();
  expect(acceptor.server.listening).toBe(false);
  await expect(RawPeer.dial(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(await isOver(closed)).toBe(false);

  sockets[0]?.destroy();
  await closed;
});

test('closing again is over when the first closing is', async () => {
  const { acceptor, sockets, listen, dial } = accepting();
  await dial(await listen());
  const closed = [acceptor.close(), acceptor.close()];
  expect(await Promise.all(closed.map(isOver))).toEqual([false, false]);

  sockets[0]?.destroy();
  await Promise.all(closed);
  expect(sockets[0]?.closed).toBe(true);
});

test('destroying the connections closes them all, and with them a close that waits', async () => {
  const { acceptor, listen, dial } = accepting();
  const port = await listen();
  const peers = [await dial(port), await dial(port)];
  const closed = acceptor.close();
  acceptor.destroyConnections();
  await closed;
  await Promise.all(peers.map((peer) => peer.takeAll()));

  expect(peers.map(({ ended }) => ended)).toEqual([true, true]);
});

test('destroying without connections, or with some that are closed already, does nothing', async () => {
  const { acceptor, sockets, listen, dial } = accepting();
  const port = await listen();
  acceptor.destroyConnections();
  await dial(port);
  sockets[0]?.destroy();
  await once(sockets[0] as Socket, 'close');
  acceptor.destroyConnections();
  await acceptor.close();

  expect(acceptor.server.listening).toBe(false);
});

test('closing what does not listen is over at once', async () => {
  const { acceptor } = accepting();

  expect(await isOver(acceptor.close())).toBe(true);
});

test('it may listen again behind a close', async () => {
  const { acceptor, sockets, listen, dial } = accepting();
  await listen();
  await acceptor.close();
  await dial(await listen());

  expect(sockets).toHaveLength(1);
});

test('closed while it is about to listen, it does not listen', async () => {
  const { acceptor } = accepting();
  acceptor.listen({ host: '127.0.0.1', port: 0 });
  await acceptor.close();
  for (let turn = 0; turn < 10; turn++) await setImmediate();

  expect(acceptor.server.listening).toBe(false);
});
