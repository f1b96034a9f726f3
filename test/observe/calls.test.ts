import { once } from 'node:events';
import { connect } from 'node:net';

import { firstValueFrom, lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';

import { XtcpRecordBuilder, type ObservedClientCall, type RefusedServerCall } from '../../src/index.js';
import { encodeFrame } from '../../src/wire/encoder.js';
import { clientOf, startService } from '../support/service.js';
import { Behaviours } from './controller.js';
import { listen, Recording } from './recording.js';

const PROTOCOLS = ['session', 'classic'] as const;

async function serving(protocol: 'session' | 'classic' = 'session', options = {}, serverOptions = {}) {
  const { port, server, app } = await startService([Behaviours], { halfCloseTimeoutMs: 50, ...serverOptions });
  return { client: clientOf(port, { protocol, ...options }), recording: new Recording(), port, server, app };
}

async function* input(): AsyncGenerator<string> {
  yield 'abc';
  yield 'def';
}

async function fails(promise: Promise<unknown>): Promise<void> {
  await expect(promise).rejects.toBeDefined();
}

describe.each(PROTOCOLS)('a call over %s', (protocol) => {
  it('is told with its bytes and how it ended, once on each side', async () => {
    const { client, recording, port } = await serving(protocol);
    await lastValueFrom(client.send('upper', 'xiao'));
    const call = await recording.oneClientCall();
    const served = await recording.oneServerCall();

    expect(call).toMatchObject({ kind: 'call', pattern: 'upper', endpoint: `127.0.0.1:${port}`, attempts: 1 });
    expect(call).toMatchObject({ outcome: 'OK', error: undefined, sentBytes: 4, receivedBytes: 4 });
    expect(served).toMatchObject({ kind: 'call', pattern: 'upper', protocol, remoteAddress: '127.0.0.1' });
    expect(served).toMatchObject({ outcome: 'OK', error: undefined, sentBytes: 4, receivedBytes: 4 });
    expect(call.durationMs).toBeGreaterThanOrEqual(0);
    expect(served.durationMs).toBeGreaterThanOrEqual(0);
  });

  it('is OK for whoever leaves with the only value', async () => {
    const { client, recording } = await serving(protocol);
    await firstValueFrom(client.send('upper', 'xiao'));
    expect((await recording.oneClientCall()).outcome).toBe('OK');
    expect((await recording.oneServerCall()).outcome).toBe('OK');
  });

  it('is OK without a value', async () => {
    const { client, recording } = await serving(protocol);
    await lastValueFrom(client.send('nothing', 'x'), { defaultValue: undefined });
    expect(await recording.oneClientCall()).toMatchObject({ outcome: 'OK', receivedBytes: 0 });
    expect(await recording.oneServerCall()).toMatchObject({ outcome: 'OK', sentBytes: 0 });
  });

  it('is CANCELLED by unsubscribing, on both sides', async () => {
    const { client, recording } = await serving(protocol);
    const subscription = client.send('never', 'x').subscribe();
    await recording.until('server:call:start');
    subscription.unsubscribe();
    expect((await recording.oneClientCall()).outcome).toBe('CANCELLED');
    expect((await recording.oneServerCall()).outcome).toBe('CANCELLED');
  });

  it('is CANCELLED by its signal', async () => {
    const { client, recording } = await serving(protocol);
    const controller = new AbortController();
    const record = new XtcpRecordBuilder('x').setSignal(controller.signal).build();
    const call = fails(lastValueFrom(client.send('never', record)));
    await recording.until('server:call:start');
    controller.abort();
    await call;
    expect((await recording.oneClientCall()).outcome).toBe('CANCELLED');
    await recording.oneServerCall();
  });

  it('is CANCELLED by closing the client', async () => {
    const { client, recording } = await serving(protocol, { gracePeriodMs: 1 });
    const call = fails(lastValueFrom(client.send('never', 'x')));
    await recording.until('server:call:start');
    await client.close();
    await call;
    expect((await recording.oneClientCall()).outcome).toBe('CANCELLED');
    await recording.oneServerCall();
  });

  it('is DEADLINE_EXCEEDED when its time is over', async () => {
    const { client, recording } = await serving(protocol);
    await fails(lastValueFrom(client.send('never', new XtcpRecordBuilder('x').setTimeout(50).build())));
    expect((await recording.oneClientCall()).outcome).toBe('DEADLINE_EXCEEDED');
    await recording.oneServerCall();
  });

  it('is UNAVAILABLE when its connection is lost', async () => {
    const { client, recording } = await serving(protocol, { retries: 0 });
    const call = fails(lastValueFrom(client.send('never', 'x')));
    await recording.until('server:call:start');
    for (const socket of client.unwrap()) socket.destroy();
    await call;
    expect((await recording.oneClientCall()).outcome).toBe('UNAVAILABLE');
    await recording.oneServerCall();
  });

  it.each(['fails', 'rejects', 'denies'])('has the same code on both sides where its handler %s', async (pattern) => {
    const { client, recording } = await serving(protocol);
    await fails(lastValueFrom(client.send(pattern, 'x')));
    const call = await recording.oneClientCall();
    const served = await recording.oneServerCall();
    expect(served.outcome).toBe(served.error?.code);
    expect(served.outcome).not.toBe('OK');
    expect(call.outcome).toBe(served.outcome);
  });

  it('is told as refused where there is no handler, without its pattern', async () => {
    const { client, recording } = await serving(protocol);
    await fails(lastValueFrom(client.send('no such', 'x')));
    await recording.oneClientCall();
    const [refused] = await recording.until<RefusedServerCall>('server:call:refuse');
    expect(refused).toMatchObject({ code: 'UNIMPLEMENTED', protocol, remoteAddress: '127.0.0.1' });
    expect(JSON.stringify(refused)).not.toContain('no such');
    expect(recording.of('server:call:start')).toEqual([]);
  });

  it('is told as refused where the server runs as many as it may', async () => {
    const { client, recording } = await serving(protocol, { retries: 0 }, { maxServerCalls: 1 });
    const first = client.send('never', 'x').subscribe({ error: () => {} });
    await recording.until('server:call:start');
    await fails(lastValueFrom(client.send('upper', 'x')));
    first.unsubscribe();
    expect(recording.of<RefusedServerCall>('server:call:refuse').map(({ code }) => code)).toEqual([
      'RESOURCE_EXHAUSTED',
    ]);
    await recording.until('client:call:end', 2);
    await recording.until('server:call:end');
  });

  it('that a hook refuses has the error that its caller is told', async () => {
    const { client, recording, server } = await serving(protocol);
    server.setOnProcessingStartHook(() => {
      throw new Error('not now');
    });
    await fails(lastValueFrom(client.send('upper', 'x')));
    expect((await recording.oneServerCall()).outcome).toBe('INTERNAL');
    await recording.oneClientCall();
  });

  it('is told for each subscription by itself', async () => {
    const { client, recording } = await serving(protocol);
    const calls = client.send('upper', 'x');
    await Promise.all([lastValueFrom(calls), lastValueFrom(calls)]);
    const [one, other] = await recording.until('client:call:end', 2);
    expect(one).not.toBe(other);
    await recording.until('server:call:end', 2);
  });
});

describe('a stream', () => {
  it('is OK at its end, with the bytes of all items', async () => {
    const { client, recording } = await serving();
    let items = 0;
    for await (const _ of client.stream('items', 5)) items++;
    expect(items).toBe(5);
    expect(await recording.oneClientCall()).toMatchObject({ outcome: 'OK', receivedBytes: 10 });
    expect(await recording.oneServerCall()).toMatchObject({ outcome: 'OK', sentBytes: 10 });
  });

  it('of an Observable is OK, too', async () => {
    const { client, recording } = await serving();
    await lastValueFrom(client.send('observable', 'x'));
    expect(await recording.oneClientCall()).toMatchObject({ outcome: 'OK', receivedBytes: 6 });
    expect(await recording.oneServerCall()).toMatchObject({ outcome: 'OK', sentBytes: 6 });
  });

  it('that its reader leaves early is CANCELLED', async () => {
    const { client, recording } = await serving();
    for await (const _ of client.stream('items', 1_000_000)) break;
    expect((await recording.oneClientCall()).outcome).toBe('CANCELLED');
    expect((await recording.oneServerCall()).outcome).toBe('CANCELLED');
  });

  it('that fails in the middle has the bytes until there, and the error', async () => {
    const { client, recording } = await serving();
    const read = async (): Promise<void> => {
      for await (const _ of client.stream('items that fail', 'x'));
    };
    await fails(read());
    expect(await recording.oneClientCall()).toMatchObject({ outcome: 'INVALID_ARGUMENT', receivedBytes: 2 });
    expect(await recording.oneServerCall()).toMatchObject({ outcome: 'INVALID_ARGUMENT', sentBytes: 2 });
  });

  it('of input counts what went', async () => {
    const { client, recording } = await serving();
    for await (const all of client.stream('sum', input())) expect(all).toBe('abcdef');
    expect(await recording.oneClientCall()).toMatchObject({ outcome: 'OK', sentBytes: 6, receivedBytes: 6 });
    expect(await recording.oneServerCall()).toMatchObject({ outcome: 'OK', sentBytes: 6, receivedBytes: 6 });
  });
});

describe('a call that is turned away', () => {
  it('by a classic connection that drains is told', async () => {
    const { port, server } = await startService([Behaviours]);
    const recording = new Recording();
    const socket = connect(port, '127.0.0.1').resume();
    const closed = once(socket, 'close');
    socket.write(encodeFrame(['never', 'x']).pieces.join(''));
    await recording.until('server:call:start');
    const drained = server.drain(200);
    socket.write(encodeFrame(['upper', 'x']).pieces.join(''));
    const [refused] = await recording.until<RefusedServerCall>('server:call:refuse');
    expect(refused).toMatchObject({ code: 'UNAVAILABLE', protocol: 'classic' });
    socket.destroy();
    await Promise.all([drained, closed]);
  });

  it("by the application's deserializer is told", async () => {
    const deserializer = {
      deserialize: (): never => {
        throw new Error('not this');
      },
    };
    const { client, recording } = await serving('session', {}, { deserializer });
    await fails(lastValueFrom(client.send('upper', 'x')));
    expect(recording.of<RefusedServerCall>('server:call:refuse').map(({ code }) => code)).toEqual(['INTERNAL']);
    expect(recording.of('server:call:start')).toEqual([]);
    await recording.oneClientCall();
  });
});

describe('a call that is not sent', () => {
  it.each([
    ['its metadata is no text', () => new XtcpRecordBuilder('x').setMetadata({ a: 1 as unknown as string }).build()],
    ['its time is no number', () => new XtcpRecordBuilder('x').setTimeout('soon' as unknown as number).build()],
    ['it has no time left', () => new XtcpRecordBuilder('x').setTimeout(0).build()],
    ['its signal is aborted', () => new XtcpRecordBuilder('x').setSignal(AbortSignal.abort()).build()],
    ['its data has no JSON', () => new XtcpRecordBuilder(10n).build()],
  ])('is told where %s', async (_, record) => {
    const { client, recording } = await serving();
    await fails(lastValueFrom(client.send('upper', record())));
    const call = await recording.oneClientCall();
    expect(call.outcome).toBe(call.error?.code);
    expect(call.error?.executed).toBe(false);
    expect(recording.of('server:call:start')).toEqual([]);
  });

  it('is UNAVAILABLE where no server is', async () => {
    const { port, app } = await startService([Behaviours]);
    await app.close();
    const recording = new Recording();
    await fails(lastValueFrom(clientOf(port, { protocol: 'session' }).send('upper', 'x')));
    expect(await recording.oneClientCall()).toMatchObject({ outcome: 'UNAVAILABLE', attempts: 1 });
  });

  it('tells of each time that it is made again', async () => {
    const { client, recording } = await serving('session', { retries: 2 }, { maxServerCalls: 1 });
    const first = client.send('never', 'x').subscribe();
    await recording.until('server:call:start');
    await fails(lastValueFrom(client.send('upper', 'x')));
    first.unsubscribe();
    const [call] = await recording.until<ObservedClientCall>('client:call:end');
    expect(call).toMatchObject({ pattern: 'upper', outcome: 'RESOURCE_EXHAUSTED', attempts: 3 });
    const retries = recording.of('client:call:retry');
    expect(retries).toHaveLength(2);
    for (const retry of retries) expect(retry).toBe(call);
    expect(recording.of('server:call:refuse')).toHaveLength(3);
    await recording.until('server:call:end');
  });
});

describe('an event', () => {
  it.each(['none', 'received', 'handled'] as const)('with ack %s is told once on each side', async (ack) => {
    const { client, recording } = await serving('session', { ack });
    await lastValueFrom(client.emit('happened', 'abc'), { defaultValue: undefined });
    expect(await recording.oneClientCall()).toMatchObject({ kind: 'event', outcome: 'OK', sentBytes: 3 });
    expect(await recording.oneServerCall()).toMatchObject({ kind: 'event', outcome: 'OK', receivedBytes: 3 });
  });

  it('with several handlers is one, which fails where one of them does', async () => {
    const { client, recording } = await serving('session', { ack: 'received' });
    await lastValueFrom(client.emit('happened twice', 'abc'), { defaultValue: undefined });
    expect((await recording.oneServerCall()).outcome).not.toBe('OK');
    expect((await recording.oneClientCall()).outcome).toBe('OK');
  });

  it('over classic fails for the server where a handler does, though its emitter is not told', async () => {
    const { client, recording } = await serving('classic');
    await lastValueFrom(client.emit('happened twice', 'abc'), { defaultValue: undefined });
    expect((await recording.oneServerCall()).outcome).not.toBe('OK');
    expect((await recording.oneClientCall()).outcome).toBe('OK');
  });

  it('whose time is over is not OK', async () => {
    const { client, recording } = await serving('session', { ack: 'handled' });
    const record = new XtcpRecordBuilder('x').setTimeout(50).build();
    await fails(lastValueFrom(client.emit('slow event', record)));
    expect((await recording.oneClientCall()).outcome).toBe('DEADLINE_EXCEEDED');
    // Whichever comes first: its own deadline, or that its emitter gave up.
    expect((await recording.oneServerCall()).outcome).toMatch(/^(DEADLINE_EXCEEDED|CANCELLED)$/);
  });

  it('that a hook refuses failed', async () => {
    const { client, recording, server } = await serving('session', { ack: 'handled' });
    server.setOnProcessingStartHook(() => {
      throw new Error('not now');
    });
    await fails(lastValueFrom(client.emit('happened', 'x')));
    expect((await recording.oneServerCall()).outcome).toBe('INTERNAL');
  });
});

describe('subscribers', () => {
  it('find the metadata that they set at the start with the handler', async () => {
    const { client, recording } = await serving();
    listen<ObservedClientCall>('xtcp:client:call:start', (call) => {
      call.metadata['x'] = '1';
    });
    const given = { own: '2' };
    await lastValueFrom(client.send('upper', new XtcpRecordBuilder('x').setMetadata(given).build()));
    expect({ ...(await recording.oneServerCall()).metadata }).toEqual({ own: '2', x: '1' });
    expect(given).toEqual({ own: '2' });
  });

  it('that come late are not told of what was under way', async () => {
    const { port } = await startService([Behaviours]);
    const record = new XtcpRecordBuilder('x').setTimeout(50).build();
    const call = fails(lastValueFrom(clientOf(port, { protocol: 'session' }).send('never', record)));
    const late = new Recording();
    await call;
    expect(late.of('client:call:start')).toEqual([]);
    expect(late.of('client:call:end')).toEqual([]);
  });
});
