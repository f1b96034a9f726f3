import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';

import { describe, expect, it, onTestFinished } from 'vitest';

import { systemClock } from '../../src/clock/clock.js';
import { Conditions } from '../../src/testing/conditions.js';
import { Exchange } from '../../src/testing/exchange.js';
import { MemoryServer } from '../../src/testing/memory-server.js';
import { deferred } from '../nest/support/deferred.js';

type Ends = readonly [client: Socket, server: Socket];

async function inMemory(): Promise<Ends> {
  const exchange = new Exchange(new Conditions(systemClock, () => {}));
  const accepted = deferred<Socket>();
  const server = new MemoryServer({ allowHalfOpen: true }, accepted.resolve);
  server.plugInto(exchange);
  return join(server, accepted.promise, () => exchange.connect({ port: 1, allowHalfOpen: true }), { port: 1 });
}

async function bySockets(): Promise<Ends> {
  const accepted = deferred<Socket>();
  const server = createServer({ allowHalfOpen: true }, accepted.resolve);
  const dial = (): Socket =>
    connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  return join(server, accepted.promise, dial, { port: 0, host: '127.0.0.1' });
}

async function join(server: Server, accepted: Promise<Socket>, dial: () => Socket, at: object): Promise<Ends> {
  server.listen(at);
  await once(server, 'listening');
  const client = dial();
  const ends = [client, await accepted] as const;
  if (client.connecting) await once(client, 'connect');
  onTestFinished(async () => {
    for (const end of ends) end.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return ends;
}

async function closed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.on('close', () => {
      resolve();
    });
  });
}

/** What a socket tells, in order, from now on. */
function told(socket: Socket): string[] {
  const events: string[] = [];
  socket.on('data', (data: Buffer) => events.push(`data ${data.toString()}`));
  socket.on('end', () => events.push('end'));
  socket.on('error', (error: NodeJS.ErrnoException) => events.push(`error ${error.code}`));
  socket.on('close', (hadError: boolean) => events.push(`close ${hadError}`));
  return events;
}

// Each holds for Node's own sockets first: what is in memory is to be no different.
describe.each([
  ["Node's own", bySockets],
  ['in memory', inMemory],
] as const)('two sockets %s', (_name, make) => {
  it('are net.Sockets that know each other', async () => {
    const [client, server] = await make();
    expect([client.remotePort, client.remoteAddress]).toEqual([server.localPort, '127.0.0.1']);
    expect(server.remotePort).toBe(client.localPort);
    expect(server.address()).toEqual({ address: '127.0.0.1', family: 'IPv4', port: server.localPort });
    expect([client.connecting, client.pending, client.readyState]).toEqual([false, false, 'open']);
  });

  it('hand over bytes, and count them', async () => {
    const [client, server] = await make();
    client.cork();
    client.write('eins', 'latin1');
    client.write(Buffer.from('zwei'));
    client.uncork();
    const [data] = (await once(server, 'data')) as [Buffer];
    expect(data.toString().slice(0, 4)).toBe('eins');
    await expect.poll(() => server.bytesRead, { interval: 1 }).toBe(8);
    expect(client.bytesWritten).toBe(8);
  });

  it('end one way, and go on the other', async () => {
    const [client, server] = await make();
    const atServer = told(server);
    const atClient = told(client);
    client.end('asked');
    await once(server, 'end');
    server.end('answered');
    await Promise.all([closed(client), closed(server)]);
    expect(atServer).toEqual(['data asked', 'end', 'close false']);
    expect(atClient).toEqual(['data answered', 'end', 'close false']);
  });

  it('tell the other end of a destroyed one as an end', async () => {
    const [client, server] = await make();
    const atServer = told(server);
    client.destroy();
    await once(server, 'end');
    expect(atServer).toEqual(['end']);
  });

  it('reset', async () => {
    const [client, server] = await make();
    const atServer = told(server);
    const atClient = told(client);
    client.resetAndDestroy();
    await closed(server);
    expect(atServer).toEqual(['error ECONNRESET', 'close true']);
    expect(atClient).toEqual(['close false']);
  });

  it('reset who writes to one that is gone', async () => {
    const [client, server] = await make();
    const atServer = told(server);
    client.destroy();
    await once(server, 'end');
    const gone = closed(server);
    while (!server.destroyed) {
      server.write('anybody?');
      await setImmediate();
    }
    await gone;
    expect(atServer.at(-1)).toBe('close true');
    expect(atServer.at(-2)).toMatch(/error (?:ECONNRESET|EPIPE)/);
  });

  it('hold a writer whose reader is paused, lose nothing, and tell when there is room', async () => {
    const [client, server] = await make();
    server.pause();
    const piece = Buffer.alloc(1024 * 1024, 'x');
    let sent = 0;
    // What the operating system holds between two sockets has an end, too.
    for (let stuck = 0; stuck < 20; await setImmediate()) {
      stuck = client.writableNeedDrain ? stuck + 1 : 0;
      if (client.writableNeedDrain) continue;
      client.write(piece);
      sent += piece.length;
    }
    expect(client.writableNeedDrain).toBe(true);
    let came = 0;
    server.on('data', (data: Buffer) => (came += data.length));
    server.resume();
    await once(client, 'drain');
    await expect.poll(() => came, { interval: 1 }).toBe(sent);
  });

  it('call never within the turn that caused it', async () => {
    const [client, server] = await make();
    const atServer = told(server);
    client.write('x');
    client.end();
    expect(atServer).toEqual([]);
    await once(server, 'end');
  });

  it('tell where nothing goes for a time, and stay open', async () => {
    const [client, server] = await make();
    const events = told(server);
    server.on('timeout', () => events.push('timeout'));
    server.setTimeout(10);
    await once(server, 'timeout');
    expect([server.timeout, server.destroyed]).toEqual([10, false]);
    server.setTimeout(0);
    client.write('x');
    await once(server, 'data');
    expect(events.at(-1)).toBe('data x');
  });

  it('send what was written before destroySoon', async () => {
    const [client, server] = await make();
    const atServer = told(server);
    client.write('last words');
    client.destroySoon();
    await once(server, 'end');
    expect(atServer).toEqual(['data last words', 'end']);
  });
});
