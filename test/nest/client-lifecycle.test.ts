import { Socket } from 'node:net';

import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { catchError, firstValueFrom, lastValueFrom, of, retry } from 'rxjs';
import { beforeEach, expect, test } from 'vitest';

import type { XtcpClient, XtcpError } from '../../src/index.js';
import { clientOf, startService } from '../support/service.js';
import { acceptedBy, told } from './support/accepted.js';
import { deafPort } from './support/deaf-port.js';
import { deferred, Happenings, type Deferred } from './support/deferred.js';
import { failureOf, xtcpFailureOf } from './support/failures.js';
import { unusedPort } from './support/addresses.js';
import { UpperController } from './support/upper.controller.js';

let begun: Happenings;
let gate: Deferred<string>;

beforeEach(() => {
  begun = new Happenings();
  gate = deferred<string>();
});

@Controller()
class GateController {
  @MessagePattern('wait')
  wait(@Payload() name: string): Promise<string> {
    begun.add(name);
    return gate.promise;
  }
}

/** What the client tells of itself, in order. */
function watch(client: XtcpClient): Happenings {
  const seen = new Happenings();
  client.status.subscribe((status) => {
    seen.add(status);
  });
  client.on('connect', () => {
    seen.add('on connect');
  });
  client.on('close', () => {
    seen.add('on close');
  });
  client.on('error', ({ code }) => {
    seen.add(`on error ${code}`);
  });
  return seen;
}

test('connect opens one connection, however often and at once it is called', async () => {
  const { port, server } = await startService([UpperController]);
  const accepted = acceptedBy(server);
  const client = clientOf(port);

  await Promise.all([client.connect(), client.connect()]);
  await client.connect();
  expect(await firstValueFrom(client.send('toupper', 'a'))).toBe('A');

  expect(accepted.all).toHaveLength(1);
});

test('connect rejects with a typed error where nothing listens, and works once something does', async () => {
  const port = await unusedPort();
  const client = clientOf(port);

  const error = await xtcpFailureOf(client.connect());
  expect(error).toMatchObject({
    code: 'UNAVAILABLE',
    endpoint: `127.0.0.1:${port}`,
    executed: false,
    cause: { code: 'ECONNREFUSED' },
  });
  expect(error.message).toContain(`127.0.0.1:${port}`);

  await startService([UpperController], { port });
  await client.connect();
  expect(await firstValueFrom(client.send('toupper', 'a'))).toBe('A');
});

test('close closes the connections, may be called again, and before anything was connected', async () => {
  const { port, server } = await startService([UpperController]);
  const accepted = acceptedBy(server);
  const client = clientOf(port);
  await client.close();
  await client.connect();
  const [socket] = await accepted.count(1);
  const gone = told(socket!, 'close');

  await Promise.all([client.close(), client.close()]);
  await client.close();

  await gone;
  expect(() => client.unwrap()).toThrow('Not initialized');
});

test('close fails the calls under way, waiting and connecting with CANCELLED, naming their call', async () => {
  const { port } = await startService([GateController]);
  const client = clientOf(port, { connections: 1 });
  const deaf = clientOf(await deafPort());
  const underWay = xtcpFailureOf(client.send('wait', 'secret'));
  const waiting = xtcpFailureOf(client.send('toupper', 'secret'));
  const event = xtcpFailureOf(client.emit('news', 'secret'));
  const connecting = xtcpFailureOf(deaf.send('toupper', 'secret'));
  const connect = xtcpFailureOf(deaf.connect());
  await begun.count(1);

  await Promise.all([client.close(), deaf.close()]);

  const endpoint = `127.0.0.1:${port}`;
  expect(await underWay).toMatchObject({ code: 'CANCELLED', pattern: 'wait', endpoint });
  expect(await waiting).toMatchObject({ code: 'CANCELLED', pattern: 'toupper', endpoint });
  expect(await event).toMatchObject({ code: 'CANCELLED', pattern: 'news', endpoint });
  expect((await connecting).code).toBe('CANCELLED');
  expect((await connect).code).toBe('CANCELLED');
  expect((await underWay).message).toContain('the client was closed');
  expect((await underWay).message).not.toContain('secret');
  expect(begun.all).toEqual(['secret']);
});

test('close may be called from within an answer: the calls that wait are cancelled', async () => {
  const { port } = await startService([UpperController]);
  const client = clientOf(port, { connections: 1 });
  let closed: Promise<void> | undefined;
  const seen: unknown[] = [];
  client.send('toupper', 'a').subscribe((value) => {
    seen.push(value);
    closed = client.close();
  });

  expect((await xtcpFailureOf(client.send('toupper', 'b'))).code).toBe('CANCELLED');
  await closed;
  expect(seen).toEqual(['A']);
  expect(() => client.unwrap()).toThrow('Not initialized');
});

test('after close, connect and send work again', async () => {
  const { port } = await startService([UpperController]);
  const client = clientOf(port);
  expect(await firstValueFrom(client.send('toupper', 'a'))).toBe('A');
  await client.close();

  await client.connect();
  expect(client.unwrap()).toHaveLength(1);
  await client.close();

  expect(await firstValueFrom(client.send('toupper', 'b'))).toBe('B');
  await client.close();
  await lastValueFrom(client.emit('toupper', 'c'));
});

test('a call that is made again because of close is made once more, and close does not wait for it', async () => {
  const { port } = await startService([GateController]);
  const client = clientOf(port);
  let attempts = 0;
  client.setOnDispatchHook(() => attempts++);
  const answered = firstValueFrom(
    client.send('wait', 'a').pipe(
      retry(100),
      catchError((error) => of(error)),
    ),
  );
  await begun.count(1);

  const closed = client.close();

  expect(attempts).toBe(2);
  await closed;
  await begun.count(2);
  gate.resolve('done');
  expect(await answered).toBe('done');
});

test('status follows the connection: connected, and disconnected by close', async () => {
  const { port } = await startService([UpperController]);
  const client = clientOf(port);
  const seen = watch(client);

  expect(seen.all).toEqual([]);
  await client.connect();
  expect(seen.all).toEqual(['on connect', 'connected']);
  await client.close();
  expect(seen.all.slice(2).toSorted()).toEqual(['disconnected', 'on close']);
});

test('status is disconnected where nothing listens, and connected again once something does', async () => {
  const port = await unusedPort();
  const client = clientOf(port);
  const seen = watch(client);

  await failureOf(client.send('toupper', 'a'));
  expect(await firstValueFrom(client.status)).toBe('disconnected');
  await startService([UpperController], { port });
  expect(await firstValueFrom(client.send('toupper', 'a'))).toBe('A');
  expect(await firstValueFrom(client.status)).toBe('connected');
  expect(seen.all).toContain('on error UNAVAILABLE');
});

test('status is disconnected when the server goes', async () => {
  const { port, app } = await startService([UpperController]);
  const client = clientOf(port);
  const seen = watch(client);
  await client.connect();

  await app.close();

  await seen.count(4);
  expect(seen.all.slice(2).toSorted()).toEqual(['disconnected', 'on close']);
});

test('on error tells of a lost connection, naming the endpoint; without a listener nothing is thrown', async () => {
  const port = await unusedPort();
  const quiet = clientOf(port);
  await failureOf(quiet.send('toupper', 'a'));

  const client = clientOf(port);
  const errors = new Happenings<XtcpError>();
  client.on('error', (error) => {
    errors.add(error);
  });
  await failureOf(client.send('toupper', 'a'));

  const [error] = await errors.count(1);
  expect(error).toMatchObject({ code: 'UNAVAILABLE', cause: { code: 'ECONNREFUSED' } });
  expect(error?.endpoint).toBe(`127.0.0.1:${port}`);
});

test('unwrap gives the sockets that are open', async () => {
  const { port, server } = await startService([UpperController]);
  const accepted = acceptedBy(server);
  const client = clientOf(port);
  expect(() => client.unwrap()).toThrow('Not initialized');

  await client.connect();

  const [remote] = await accepted.count(1);
  const sockets = client.unwrap();
  expect(sockets).toHaveLength(1);
  expect(sockets[0]).toBeInstanceOf(Socket);
  expect(sockets[0]?.localPort).toBe(remote?.remotePort);
});
