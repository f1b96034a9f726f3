import { setImmediate } from 'node:timers/promises';

import { lastValueFrom } from 'rxjs';
import { describe, expect, it, onTestFinished, test, vi } from 'vitest';

import { XtcpRecordBuilder } from '../../src/index.js';
import { KINDS } from '../faults/support/service.js';
import { keepCalling } from './keep-calling.js';
import { FakeClock } from '../support/fake-clock.js';
import { dialInMemory, failureOf, joined, testNetwork } from './support.js';

/** Long enough for whatever could arrive in memory. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await setImmediate();
}

const SESSION = { protocol: 'session', retries: 0, reconnectDelayMs: 1 } as const;

describe('cut', () => {
  it.each(['unary', 'stream', 'event'] as const)(
    'fails a %s call under way, of which it is not known',
    async (kind) => {
      const { network, client, began } = await joined(SESSION);
      const failure = failureOf(KINDS[kind](client, 'call'));
      await began.including('call');

      network.cut();

      expect(await failure).toMatchObject({ code: 'UNAVAILABLE', executed: undefined });
    },
  );

  it('tells the server, too, whose handler is aborted', async () => {
    const { network, client, began, ended } = await joined(SESSION);
    const failure = failureOf(KINDS.unary(client, 'call'));
    await began.including('call');
    network.cut();
    expect(await ended.including('call')).toEqual(['call']);
    await failure;
  });

  it('fails a classic call', async () => {
    const { network, client, began, release } = await joined({ protocol: 'classic' });
    const failure = failureOf(KINDS.unary(client, 'call'));
    await began.including('call');
    network.cut();
    expect(await failure).toMatchObject({ code: 'UNAVAILABLE', executed: undefined });
    release();
  });

  it('leaves the next call to a connection of its own', async () => {
    const { network, client } = await joined(SESSION);
    await client.connect();
    const lost = new Promise<void>((resolve) => {
      client.on('close', resolve);
    });
    network.cut();
    await lost;
    expect(await lastValueFrom(client.send('echo', 'again'))).toBe('again');
  });

  it('has idempotent calls made again', async () => {
    const { network, client, began, release } = await joined({ ...SESSION, retries: 2 });
    const answer = lastValueFrom(client.send('wait', new XtcpRecordBuilder('twice').setIdempotent().build()));
    await began.count(1);
    network.cut();
    await began.count(2);
    release();
    expect(await answer).toBe('twice');
    expect(began.all).toEqual(['twice', 'twice']);
  });

  it('shows as ECONNRESET at both ends', async () => {
    const { network, port, server } = await joined();
    const accepted = new Promise<string | undefined>((resolve) => {
      server.on('connection', (socket) => socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code)));
    });
    const peer = await dialInMemory(network, port);
    network.cut();
    await peer.untilClosed();
    expect([peer.error?.code, await accepted]).toEqual(['ECONNRESET', 'ECONNRESET']);
    expect(network.connections).toBe(0);
  });
});

describe('cutAfter', () => {
  it('lets a call arrive whose answer is lost', async () => {
    const { network, client, began, release } = await joined(SESSION);
    await client.connect();
    const failure = failureOf(KINDS.unary(client, 'call'));
    await began.including('call');
    network.cutAfter(0, 'toClient');
    release();
    expect(await failure).toMatchObject({ code: 'UNAVAILABLE', executed: undefined });
  });

  it('cuts in the middle of what is sent, once', async () => {
    const { network, client } = await joined(SESSION);
    await client.connect();
    network.cutAfter(1000, 'toServer');
    const failure = await failureOf(lastValueFrom(client.send('echo', 'x'.repeat(2000))));
    expect(failure).toMatchObject({ code: 'UNAVAILABLE' });
    expect(await lastValueFrom(client.send('echo', 'x'.repeat(2000)))).toHaveLength(2000);
  });

  it('lets exactly so many bytes arrive', async () => {
    const { network, port, server } = await joined();
    const accepted = new Promise<number>((resolve) => {
      server.on('connection', (socket) => socket.on('close', () => resolve(socket.bytesRead)));
    });
    const peer = await dialInMemory(network, port);
    network.cutAfter(3, 'toServer');
    peer.send('4\r\nwait');
    expect(await accepted).toBe(3);
  });
});

describe('blackHole', () => {
  it('lets nothing arrive until it is over, and loses nothing then', async () => {
    const { network, client, began, release } = await joined(SESSION);
    await client.connect();
    release();
    network.blackHole();
    const answer = lastValueFrom(client.send('wait', 'held'));
    await turns();
    expect(began.all).toEqual([]);
    await network.restore();
    expect(await answer).toBe('held');
  });

  it('is noticed by keep-alive alone', async () => {
    const { network, client, began, ended } = await joined({
      ...SESSION,
      keepAliveIntervalMs: 20,
      keepAliveTimeoutMs: 20,
    });
    const failure = failureOf(KINDS.unary(client, 'call'));
    await began.including('call');
    network.blackHole();
    expect(await failure).toMatchObject({ code: 'UNAVAILABLE', executed: undefined });
    // The server has heard of nothing.
    expect(ended.all).toEqual([]);
  });

  it('lets connections fail by their timeout', async () => {
    const { network, client } = await joined({ ...SESSION, connectTimeoutMs: 20 });
    network.blackHole();
    const error = await failureOf(client.connect());
    expect(String(error)).toContain('no connection within 20 ms');
    await network.restore();
    await client.connect();
  });

  it('tells of what was closed meanwhile when it is over', async () => {
    const { network, client } = await joined(SESSION);
    await client.connect();
    network.blackHole();
    await client.close();
    await turns();
    expect(network.connections).toBe(1);
    await network.restore();
    await expect.poll(() => network.connections, { interval: 1 }).toBe(0);
  });
});

describe('refuse', () => {
  it('turns new connections away, and lets those that stand go on', async () => {
    const { network, client, port } = await joined(SESSION);
    await client.connect();
    network.refuse();
    const other = network.createClient({ port, ...SESSION });
    const error = await failureOf(other.connect());
    expect(error).toMatchObject({ code: 'UNAVAILABLE', executed: false });
    expect(String(error)).toContain('ECONNREFUSED');
    expect(await lastValueFrom(client.send('echo', 'on'))).toBe('on');
    await network.restore();
    await other.connect();
  });
});

describe('delay', () => {
  it('holds what is sent each way for its time, in order, by the clock that it is given', async () => {
    const clock = new FakeClock();
    const network = testNetwork({ clock });
    const { client, began, release } = await joined(SESSION, {}, network);
    await client.connect();
    release();
    network.delay({ toServer: 30, toClient: 10 });
    const answers: unknown[] = [];
    for (const name of ['one', 'two']) client.send('wait', name).subscribe((answer) => answers.push(answer));
    await turns();
    clock.advance(29);
    await turns();
    expect(began.all).toEqual([]);
    clock.advance(1);
    expect(await began.count(2)).toEqual(['one', 'two']);
    await turns();
    expect(answers).toEqual([]);
    clock.advance(10);
    await turns();
    expect(answers).toEqual(['one', 'two']);
  });

  it('keeps the order of what was sent with a longer delay before', async () => {
    const clock = new FakeClock();
    const network = testNetwork({ clock });
    const { client, began, release } = await joined(SESSION, {}, network);
    await client.connect();
    release();
    network.delay(50);
    const first = lastValueFrom(client.send('wait', 'first'));
    await turns();
    network.delay(0);
    const second = lastValueFrom(client.send('wait', 'second'));
    await turns();
    expect(began.all).toEqual([]);
    clock.advance(50);
    await Promise.all([first, second]);
    expect(began.all).toEqual(['first', 'second']);
  });

  it('goes by fake timers, as deadlines do', async () => {
    vi.useFakeTimers();
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const { network, client, began } = await joined(SESSION);
    await client.connect();
    network.delay(100);
    const record = new XtcpRecordBuilder('slow').setTimeout(1000).build();
    const failure = failureOf(lastValueFrom(client.send('wait', record)));
    await vi.advanceTimersByTimeAsync(99);
    expect(began.all).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await began.including('slow');
    await vi.advanceTimersByTimeAsync(900);
    expect(await failure).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await network.restore();
  });

  it('goes by real timers where nobody fakes them', async () => {
    const { network, client } = await joined(SESSION);
    network.delay(5);
    expect(await lastValueFrom(client.send('echo', 'late'))).toBe('late');
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('takes no %d', (ms) => {
    expect(() => {
      testNetwork().delay(ms);
    }).toThrow(/delay, toServer: expected a number of 0 or more/);
  });
});

describe('goAway', () => {
  it('lets calls end, refuses connections meanwhile, and comes back with restore', async () => {
    const { network, client, server, port, began, release } = await joined(SESSION);
    const seen: string[] = [];
    client.status.subscribe((status) => seen.push(status));
    const answer = KINDS.unary(client, 'call');
    await began.including('call');
    const gone = network.goAway();
    await turns();
    expect(server.unwrap().listening).toBe(false);
    release();
    expect(await answer).toBe('call');
    await gone;
    const other = network.createClient({ port, ...SESSION });
    expect(await failureOf(other.connect())).toMatchObject({ code: 'UNAVAILABLE' });
    // A client that has lost its session waits for the next one.
    const waiting = lastValueFrom(client.send('echo', 'back'));
    await turns();
    await network.restore();
    expect(server.unwrap().listening).toBe(true);
    expect(await waiting).toBe('back');
    expect(seen).toContain('reconnecting');
  });

  it('loses no call of a client that goes on calling', async () => {
    const { network, client } = await joined({ protocol: 'session', reconnectDelayMs: 1, retries: 20, retryShare: 1 });
    await client.connect();
    const calls = keepCalling(client);
    await turns();
    await network.goAway();
    await network.restore();
    await turns();
    const { made, failed } = await calls.stop();
    expect(failed).toEqual([]);
    expect(made).toBeGreaterThan(10);
  });

  it('leaves its place to a server that takes over', async () => {
    const old = await joined(SESSION, { port: 8001 });
    const { network, client } = old;
    await client.connect();
    const gone = network.goAway();
    const next = await joined(SESSION, { port: 8001 }, network);
    await gone;
    next.release();
    expect(await lastValueFrom(client.send('wait', 'x'))).toBe('x');
    expect(next.began.all).toEqual(['x']);
    expect(old.began.all).toEqual([]);
  });
});

test('closing a network closes its clients and servers, whatever is broken', async () => {
  const { network, client, server } = await joined(SESSION);
  await client.connect();
  network.delay(1000);
  network.blackHole();
  await network.close();
  expect([network.connections, server.unwrap().listening]).toEqual([0, false]);
});

test('nothing is left behind by what was delayed when its ends are gone', async () => {
  const clock = new FakeClock();
  const network = testNetwork({ clock });
  const { port } = await joined(SESSION, {}, network);
  const peer = await dialInMemory(network, port);
  network.delay(60_000);
  peer.send('never');
  expect(clock.all).toBe(1);
  network.cut();
  await peer.untilClosed();
  expect(clock.all).toBe(0);
});
