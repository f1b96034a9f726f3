import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';

import {
  XtcpError,
  XtcpException,
  XtcpRecordBuilder,
  type XtcpClient,
  type XtcpClientOptions,
  type XtcpContext,
  type XtcpServerOptions,
} from '../../src/index.js';
import type { XtcpTestNetwork } from '../../src/testing/index.js';
import { Happenings } from '../nest/support/deferred.js';
import { startService, type Service } from '../support/service.js';
import { dialInMemory, failureOf, testNetwork } from './support.js';

const WINDOW = 65_536;
const CHUNK = 16_384;

async function* numbers(): AsyncGenerator<number> {
  yield* [1, 2, 3];
}

interface Calling extends Service {
  readonly network: XtcpTestNetwork;
  readonly client: XtcpClient;
  readonly happened: Happenings;
}

async function start(
  clientOptions: XtcpClientOptions = { protocol: 'session' },
  serverOptions: XtcpServerOptions = {},
): Promise<Calling> {
  const happened = new Happenings();

  @Controller()
  class CallsController {
    @MessagePattern('toupper')
    toupper(@Payload() text: string): string {
      return text.toUpperCase();
    }

    @MessagePattern('echo')
    echo(@Payload() value: unknown): unknown {
      return value;
    }

    @MessagePattern('metadata')
    metadata(@Payload() _data: unknown, @Ctx() context: XtcpContext): unknown {
      context.setMetadata({ answered: 'yes' });
      return { ...context.getMetadata() };
    }

    @MessagePattern('place')
    place(@Payload() _data: unknown, @Ctx() context: XtcpContext): unknown {
      const { remoteAddress, destroyed } = context.getSocketRef();
      return [context.getRemoteAddress(), remoteAddress, destroyed];
    }

    @MessagePattern('wait')
    async wait(@Payload() name: string, @Ctx() { signal }: XtcpContext): Promise<void> {
      happened.add(`${name} began`);
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      });
      happened.add(`${name} aborted`);
    }

    @MessagePattern('chunks')
    async *chunks(@Payload() items: number): AsyncGenerator<Buffer> {
      for (let item = 0; item < items; item++) {
        happened.add('chunk');
        yield Buffer.alloc(CHUNK, item);
      }
    }

    @MessagePattern('sum')
    async sum(@Payload() addends: AsyncIterable<number>): Promise<number> {
      let sum = 0;
      for await (const number of addends) sum += number;
      return sum;
    }

    @MessagePattern('fail')
    fail(): never {
      throw new XtcpException('RESOURCE_EXHAUSTED', 'no more today');
    }

    @EventPattern('noted')
    noted(@Payload() name: string): void {
      happened.add(name);
    }
  }

  const network = testNetwork();
  const service = await startService([CallsController], serverOptions, undefined, (all) => network.createServer(all));
  return { ...service, network, happened, client: network.createClient({ port: service.port, ...clientOptions }) };
}

describe.each(['session', 'classic', 'auto'] as const)('a client in memory that speaks %s', (protocol) => {
  it('gets what the handler answers, many times at once', async () => {
    const { client } = await start({ protocol });
    const answers = Array.from({ length: 50 }, (_, i) => lastValueFrom(client.send('toupper', `text ${i}`)));
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 50 }, (_, i) => `TEXT ${i}`));
  });

  it('gets large values whole', async () => {
    const { client } = await start({ protocol });
    const text = 'x'.repeat(3_000_000);
    expect(await lastValueFrom(client.send('toupper', text))).toBe(text.toUpperCase());
  });

  it('has events handled', async () => {
    const { client, happened } = await start({ protocol });
    await lastValueFrom(client.emit('noted', 'it'), { defaultValue: undefined });
    expect(await happened.including('it')).toEqual(['it']);
  });

  it('gets the code of an error', async () => {
    const { client } = await start({ protocol });
    expect(await failureOf(lastValueFrom(client.send('nobody', '')))).toMatchObject({ code: 'UNIMPLEMENTED' });
  });
});

describe('a session in memory', () => {
  it('keeps the types of values, as JSON and as MessagePack', async () => {
    const { client } = await start();
    const value = { list: [1, null, 'two'] };
    expect(await lastValueFrom(client.send('echo', value))).toEqual(value);
    const packed = { at: new Date(0), bytes: Buffer.from('xtcp') };
    const record = new XtcpRecordBuilder(packed).setCodec('msgpack').build();
    expect(await lastValueFrom(client.send('echo', record))).toEqual({ at: new Date(0), bytes: Buffer.from('xtcp') });
  });

  it('does not share the memory of Buffers between its ends', async () => {
    const { client } = await start();
    const sent = Buffer.alloc(100_000, 1);
    const answer = await lastValueFrom(client.send<Buffer>('echo', sent));
    sent.fill(2);
    expect(answer.every((byte) => byte === 1)).toBe(true);
  });

  it('carries metadata both ways', async () => {
    const { client } = await start();
    let answered: unknown;
    const record = new XtcpRecordBuilder('')
      .setMetadata({ tenant: 'a' })
      .setOnMetadata((metadata) => (answered = { ...metadata }))
      .build();
    expect(await lastValueFrom(client.send('metadata', record))).toEqual({ tenant: 'a' });
    expect(answered).toEqual({ answered: 'yes' });
  });

  it('has a socket to show, and an address of this machine', async () => {
    const { client, network } = await start();
    expect(await lastValueFrom(client.send('place', ''))).toEqual(['127.0.0.1', '127.0.0.1', false]);
    expect(client.unwrap()).toHaveLength(1);
    expect(network.connections).toBe(1);
  });

  it('paces a handler that streams by its reader', async () => {
    const { client, happened } = await start({ protocol: 'session', windowBytes: WINDOW });
    const items = client.stream<Buffer>('chunks', 100)[Symbol.asyncIterator]();
    await items.next();
    // A call behind it has gone all the way and back, while nobody reads.
    for (let i = 0; i < 20; i++) await lastValueFrom(client.send('toupper', 'on'));
    expect(happened.all.length).toBeLessThan(12);
    let read = 1;
    while ((await items.next()).done !== true) read++;
    expect([read, happened.all.length]).toEqual([100, 100]);
  });

  it('streams to the handler', async () => {
    const { client } = await start();
    expect(await lastValueFrom(client.send('sum', numbers()))).toBe(6);
  });

  it('cancels a call that nobody waits for', async () => {
    const { client, happened } = await start();
    const call = client.send('wait', 'call').subscribe();
    await happened.including('call began');
    call.unsubscribe();
    expect(await happened.including('call aborted')).toEqual(['call began', 'call aborted']);
  });

  it('ends a call at its deadline, on both sides', async () => {
    const { client, happened } = await start();
    const record = new XtcpRecordBuilder('late').setTimeout(50).build();
    expect(await failureOf(lastValueFrom(client.send('wait', record)))).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await happened.including('late aborted');
  });

  it('tells of errors with their code and message', async () => {
    const { client } = await start();
    const error = await failureOf(lastValueFrom(client.send('fail', '')));
    expect(error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', message: expect.stringContaining('no more today') });
    expect(error).toBeInstanceOf(XtcpError);
  });

  it('holds calls to maxCalls of the server', async () => {
    const { client, happened } = await start({ protocol: 'session', retries: 0 }, { maxServerCalls: 1 });
    const first = client.send('wait', 'first').subscribe();
    await happened.including('first began');
    const error = await failureOf(lastValueFrom(client.send('toupper', 'x')));
    expect(error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', executed: false });
    first.unsubscribe();
  });

  it('is let in by authenticate, with its address and socket', async () => {
    const seen: unknown[] = [];
    const { client } = await start(
      { protocol: 'session', auth: 'open sesame' },
      {
        authenticate: ({ auth }, { remoteAddress }) => {
          seen.push([auth, remoteAddress]);
          return 'somebody';
        },
      },
    );
    expect(await lastValueFrom(client.send('toupper', 'x'))).toBe('X');
    expect(seen).toEqual([['open sesame', '127.0.0.1']]);
  });

  it('tells who comes over maxConnections why it is turned away', async () => {
    const { client, network, port } = await start({ protocol: 'session' }, { maxConnections: 1 });
    await client.connect();
    const other = network.createClient({ port, protocol: 'session', retries: 0 });
    const error = await failureOf(other.connect());
    expect(error).toMatchObject({ code: 'UNAVAILABLE', executed: false });
  });
});

describe('a server in memory', () => {
  it('tells of its status, its address and its connections', async () => {
    const { client, server, app } = await start();
    const seen: string[] = [];
    server.status.subscribe((status) => seen.push(status));
    server.on('connection', () => seen.push('connection'));
    await client.connect();
    expect(server.unwrap().address()).toEqual({ address: '127.0.0.1', family: 'IPv4', port: 49_152 });
    expect(server.unwrap().listening).toBe(true);
    await app.close();
    expect(seen).toEqual(['connected', 'connection', 'disconnected']);
    expect(server.unwrap().listening).toBe(false);
  });

  it('is found at its path as at its port', async () => {
    const { network } = await start();
    const server = network.createServer({ path: '/run/app.sock' });
    server.addHandler('ping', async () => 'pong');
    await new Promise<void>((resolve) => {
      server.listen(() => {
        resolve();
      });
    });
    const client = network.createClient({ path: '/run/app.sock' });
    expect(await firstValueFrom(client.send('ping', '').pipe(toArray()))).toEqual(['pong']);
  });

  it('cannot listen where another one does', async () => {
    const { network, port } = await start();
    const other = network.createServer({ port });
    const error = await new Promise((resolve) => {
      other.listen(resolve);
    });
    expect(error).toMatchObject({ code: 'EADDRINUSE' });
  });

  it('drains without losing a call', async () => {
    const { client, server } = await start();
    await client.connect();
    const answers = Array.from({ length: 50 }, (_, i) => lastValueFrom(client.send('toupper', `text ${i}`)));
    await server.drain();
    expect(await Promise.all(answers)).toHaveLength(50);
  });

  it('is refused by name where nobody listens', async () => {
    const { network } = await start();
    const error = await failureOf(lastValueFrom(network.createClient({ port: 1, retries: 0 }).send('x', '')));
    expect(error).toMatchObject({ code: 'UNAVAILABLE', executed: false });
    expect(String(error)).toContain('ECONNREFUSED');
  });

  it('speaks no TLS, and says so', () => {
    const network = testNetwork();
    expect(() => network.createServer({ tlsOptions: {} })).toThrow(/createServer takes no "tlsOptions"/);
    expect(() => network.createClient({ tlsOptions: {} })).toThrow(/createClient takes no "tlsOptions"/);
  });
});

it('a server in memory answers probes', async () => {
  const { network, port } = await start({}, { probes: true });
  const peer = await dialInMemory(network, port);
  peer.send('GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  expect(await peer.takeAll()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
});

it('a server in memory answers xtcp.health', async () => {
  const { client } = await start();
  expect(await lastValueFrom(client.send('xtcp.health', ''))).toEqual({ status: 'SERVING', services: {} });
});
