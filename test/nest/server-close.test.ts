import { promisify } from 'node:util';

import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { Observable } from 'rxjs';
import { beforeEach, expect, test } from 'vitest';

import type { XtcpServer, XtcpServerOptions } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { startService, type Service } from '../support/service.js';
import { acceptedBy, told } from './support/accepted.js';
import { ask, requestBytes, takeAnswer } from './support/classic.js';
import { deferred, Happenings, type Deferred } from './support/deferred.js';
import { refusal } from './support/addresses.js';

let begun: Happenings;
let gone: Happenings;
let gate: Deferred<string>;

beforeEach(() => {
  begun = new Happenings();
  gone = new Happenings();
  gate = deferred<string>();
});

@Controller()
class GateController {
  @MessagePattern('wait')
  wait(@Payload() name: string): Promise<string> {
    begun.add(name);
    return gate.promise;
  }

  @MessagePattern('echo')
  echo(@Payload() text: string): string {
    begun.add(text);
    return text;
  }

  @MessagePattern('watch')
  watch(@Payload() name: string): Observable<string> {
    return new Observable(() => {
      begun.add(name);
      return () => {
        gone.add(name);
      };
    });
  }
}

async function start(options: XtcpServerOptions = {}): Promise<Service> {
  return startService([GateController], { gracePeriodMs: 5000, ...options });
}

async function openConnections(server: XtcpServer): Promise<number> {
  const netServer = server.unwrap();
  return promisify(netServer.getConnections.bind(netServer))();
}

test('close lets the calls that run finish and be answered, then ends the connection', async () => {
  const { server, port } = await start();
  const peer = await RawPeer.dial(port);
  peer.send(Buffer.concat([requestBytes('wait', 'a'), requestBytes('wait', 'b')]));
  await begun.count(2);

  const closed = server.close();
  gate.resolve('done');

  expect([await takeAnswer(peer), await takeAnswer(peer)]).toEqual(['done', 'done']);
  expect(await peer.takeAll()).toBe('');
  peer.socket.end();
  await closed;
});

test('close accepts no further connection, while calls still run', async () => {
  const { server, port } = await start();
  const peer = await RawPeer.dial(port);
  peer.send(requestBytes('wait', 'a'));
  await begun.count(1);

  const closed = server.close();
  expect(await refusal(port)).toBe('ECONNREFUSED');
  gate.resolve('done');
  expect(await takeAnswer(peer)).toBe('done');
  peer.socket.end();
  await closed;
});

test('a request that arrives behind close is refused, and its handler does not start', async () => {
  const { server, port } = await start();
  const accepted = acceptedBy(server);
  const peer = await RawPeer.dial(port);
  const [socket] = await accepted.count(1);
  peer.send(requestBytes('wait', 'a'));
  await begun.count(1);

  const closed = server.close();
  const arrived = told(socket!, 'data');
  peer.send(requestBytes('echo', 'late'));
  await arrived;
  gate.resolve('done');

  expect(await takeAnswer(peer)).toBe('done');
  expect(await takeAnswer(peer)).toBe('XTCP Server: UNAVAILABLE: the server is shutting down');
  peer.socket.end();
  await closed;
  expect(begun.all).toEqual(['a']);
});

test('a request that waits unread behind a limit does not start once the server closes', async () => {
  const { server, port } = await start({ maxCalls: 1 });
  const peer = await RawPeer.dial(port);
  peer.send(Buffer.concat([requestBytes('wait', 'a'), requestBytes('echo', 'b')]));
  await begun.count(1);

  const closed = server.close();
  gate.resolve('done');
  expect(await takeAnswer(peer)).toBe('done');
  peer.socket.end();
  await closed;
  await peer.untilClosed();

  expect(begun.all).toEqual(['a']);
});

test('close ends a connection on which nothing runs at once, whatever time it leaves to calls', async () => {
  const { server, port } = await start({ gracePeriodMs: 60_000 });
  const peer = await RawPeer.dial(port);
  expect(await ask(peer, 'echo', 'a')).toBe('a');

  const closed = server.close();
  expect(await peer.takeAll()).toBe('');
  peer.socket.end();
  await closed;
});

test('close destroys what still runs after gracePeriodMs, and unsubscribes it', async () => {
  const { server, port } = await start({ gracePeriodMs: 30 });
  const waiting = await RawPeer.dial(port);
  const watching = await RawPeer.dial(port);
  waiting.send(requestBytes('wait', 'a'));
  watching.send(requestBytes('watch', 'b'));
  await begun.count(2);

  await server.close();

  expect(await openConnections(server)).toBe(0);
  expect([await waiting.takeAll(), await watching.takeAll()]).toEqual(['', '']);
  expect(await gone.count(1)).toEqual(['b']);
});

test('with gracePeriodMs 0 close destroys what runs at once', async () => {
  const { server, port } = await start({ gracePeriodMs: 0 });
  const peer = await RawPeer.dial(port);
  peer.send(requestBytes('wait', 'a'));
  await begun.count(1);

  await server.close();

  expect(await openConnections(server)).toBe(0);
  expect(await peer.takeAll()).toBe('');
});

test('close resolves only when nothing is open', async () => {
  const { server, port } = await start();
  const peers = await Promise.all([1, 2, 3].map(() => RawPeer.dial(port)));
  for (const peer of peers) peer.send(requestBytes('wait', 'a'));
  await begun.count(3);

  const closed = server.close();
  gate.resolve('done');
  for (const peer of peers) {
    expect(await takeAnswer(peer)).toBe('done');
    peer.socket.end();
  }
  await closed;

  expect(server.unwrap().listening).toBe(false);
  expect(await openConnections(server)).toBe(0);
});

test('close waits for a handler whose caller is gone, too', async () => {
  const { server, port } = await start();
  const accepted = acceptedBy(server);
  const peer = await RawPeer.dial(port);
  peer.send(requestBytes('wait', 'a'));
  await begun.count(1);
  const [socket] = accepted.all;
  const left = told(socket!, 'close');
  peer.socket.resetAndDestroy();
  await left;

  const order: string[] = [];
  const closed = server.close().then(() => order.push('closed'));
  await new Promise((resolve) => setImmediate(resolve));
  order.push('gate');
  gate.resolve('done');
  await closed;

  expect(order).toEqual(['gate', 'closed']);
});

test('close may be called twice, and again when it has closed', async () => {
  const { server, port } = await start();
  const peer = await RawPeer.dial(port);
  peer.send(requestBytes('wait', 'a'));
  await begun.count(1);

  const twice = Promise.all([server.close(), server.close()]);
  gate.resolve('done');
  expect(await takeAnswer(peer)).toBe('done');
  peer.socket.end();
  await twice;
  await server.close();

  expect(server.unwrap().listening).toBe(false);
});

test('close may be called with the name of a signal, as Nest calls it for one', async () => {
  const { server, port } = await start();

  const onShutdown: (signal?: string) => Promise<void> = server.close.bind(server);
  await onShutdown('SIGTERM');

  expect(await refusal(port)).toBe('ECONNREFUSED');
});
