import { describe, expect, it } from 'vitest';

import type { ClassicCall } from '../../src/classic/caller.js';
import { XtcpError } from '../../src/errors/xtcp-error.js';
import type { Protocol } from '../../src/options/client-options.js';
import { EndpointPool, type EndpointCall } from '../../src/pool/endpoint-pool.js';
import type { PingObserver } from '../../src/session/pings.js';
import { HELLO, LIMITS, recorded, settled, type Recorded } from '../session/session-play.js';
import { POOL_LIMITS } from './session-pooling.js';
import { FakeClock } from '../support/fake-clock.js';
import { dialling, type Dialled } from './session-dialling.js';

interface Pooling {
  readonly clock: FakeClock;
  readonly pool: EndpointPool;
  readonly dials: Dialled[];
  readonly at: (index: number) => Dialled;
}

const nothing = (): void => {};

function pooling(protocol: Protocol): Pooling {
  const clock = new FakeClock();
  const { dial, dials, at } = dialling();
  const limits = {
    ...LIMITS,
    ...POOL_LIMITS,
    maxAheadBytes: 0,
    queueTimeoutMs: 0,
    gracePeriodMs: 0,
    connections: 2,
    pipelining: 1,
    maxFrameBytes: 65_536,
    requestTimeoutMs: 0,
  };
  const listener = { onConnect: nothing, onLost: nothing, onClose: nothing, onStatus: nothing };
  const pool = new EndpointPool(protocol, dial, HELLO, undefined, limits, clock, undefined, listener);
  return { clock, pool, dials, at };
}

/** A call that can go over either protocol. */
function either(toClassic?: () => ClassicCall): Recorded & EndpointCall {
  const call: Recorded & EndpointCall = {
    ...recorded(),
    toClassic:
      toClassic ??
      (() => ({
        method: call.pattern,
        params: 'a',
        payload: 'text',
        onAnswer: (value) => {
          call.onValue(value, () => {}, 0);
          call.onComplete(undefined);
        },
        onError: (error) => {
          call.onError(error);
        },
        onLost: (error) => {
          call.onReturned(error);
        },
      })),
  };
  return call;
}

const ANSWERED = [
  ['value', 'A'],
  ['complete', undefined],
];
const HELLO_FIELDS = ['xtcp', '1', JSON.stringify(HELLO)];
const CLASSIC_CALL = ['toupper', 'a'];

/** The server answers the hello as one that speaks only classic. */
function answerAsClassic(dialled: Dialled): void {
  dialled.open();
  expect(dialled.frames()).toEqual([HELLO_FIELDS]);
  dialled.send('Traceback (most recent call last):');
  dialled.stream.close();
}

/** The server answers one classic call, and closes. */
function serveClassic(dialled: Dialled): void {
  dialled.open();
  expect(dialled.frames()).toEqual([CLASSIC_CALL]);
  dialled.send('A');
  dialled.stream.receiveEnd();
  dialled.stream.close();
}

describe('protocol "auto"', () => {
  it('speaks sessions with a server that does', () => {
    const { pool, dials, at } = pooling('auto');
    const call = either();
    pool.call(call);
    at(0).accept();
    expect(at(0).heads()).toEqual(['Qt1']);
    at(0).send('At1', 'A');
    expect([call.log, dials.length]).toEqual([ANSWERED, 1]);
  });

  it('falls back to classic with a server that speaks nothing else: no call is lost', () => {
    const { pool, at } = pooling('auto');
    const calls = [either(), either()];
    for (const call of calls) pool.call(call);
    answerAsClassic(at(0));
    serveClassic(at(1));
    serveClassic(at(2));
    expect(calls.map(({ log }) => log)).toEqual([ANSWERED, ANSWERED]);
  });

  it('remembers that for a minute, then tries sessions again', () => {
    const { pool, dials, at, clock } = pooling('auto');
    pool.call(either());
    answerAsClassic(at(0));
    serveClassic(at(1));
    clock.advance(59_999);
    pool.call(either());
    serveClassic(at(2));
    clock.advance(1);
    const call = either();
    pool.call(call);
    at(3).accept();
    expect(at(3).heads()).toEqual(['Qt1']);
    at(3).send('At1', 'A');
    expect([call.log, dials.length]).toEqual([ANSWERED, 4]);
  });

  it('remembers it for another minute where the server is still classic', () => {
    const { pool, dials, at, clock } = pooling('auto');
    pool.call(either());
    answerAsClassic(at(0));
    serveClassic(at(1));
    clock.advance(60_000);
    pool.call(either());
    answerAsClassic(at(2));
    serveClassic(at(3));
    clock.advance(59_999);
    pool.call(either());
    serveClassic(at(4));
    expect(dials).toHaveLength(5);
  });

  it('takes a close, silence and other bytes for no proof, and remembers nothing', () => {
    const ends: ((dialled: Dialled, clock: FakeClock) => void)[] = [
      ({ stream }) => stream.receiveEnd(),
      ({ stream }) => stream.receive('HTTP/1.1 400 Bad Request'),
      (dialled) => dialled.send('two', 'fields'),
      (_dialled, clock) => clock.advance(200),
    ];
    for (const end of ends) {
      const { pool, at, clock } = pooling('auto');
      const call = either();
      pool.call(call);
      at(0).open();
      end(at(0), clock);
      expect(call.log).toEqual([['error', 'UNAVAILABLE', false, undefined]]);
      pool.call(either());
      clock.advance(POOL_LIMITS.reconnectDelayMs);
      at(1).open();
      expect(at(1).frames()).toEqual([HELLO_FIELDS]);
    }
  });

  it('fails a call that classic cannot carry, and no other', () => {
    const { pool, at } = pooling('auto');
    const stream = either(() => {
      throw new XtcpError('UNIMPLEMENTED', 'no streams', { executed: false });
    });
    const plain = either();
    pool.call(stream);
    pool.call(plain);
    answerAsClassic(at(0));
    serveClassic(at(1));
    expect([stream.log, plain.log]).toEqual([[['error', 'UNIMPLEMENTED', false, undefined]], ANSWERED]);
  });

  it('lets a call be cancelled wherever it is by then', () => {
    const { pool, at } = pooling('auto');
    const call = either();
    const cancel = pool.call(call);
    answerAsClassic(at(0));
    at(1).open();
    cancel();
    expect([at(1).stream.did, call.log]).toEqual([['reset'], []]);
  });

  it('connects in whichever protocol the server speaks', async () => {
    const session = pooling('auto');
    const opened = session.pool.connect();
    session.at(0).accept();
    await opened;
    const classic = pooling('auto');
    const connected = classic.pool.connect();
    answerAsClassic(classic.at(0));
    await settled();
    classic.at(1).open();
    await connected;
    expect(classic.at(1).frames()).toEqual([]);
  });
});

describe('protocol "session"', () => {
  it('never falls back: its calls fail, not executed, and sessions are tried again at once', () => {
    const { pool, dials, at } = pooling('session');
    const call = either();
    pool.call(call);
    answerAsClassic(at(0));
    expect([call.log, dials.length]).toEqual([[['error', 'UNIMPLEMENTED', false, undefined]], 1]);
    pool.call(either());
    answerAsClassic(at(1));
  });

  it('does not connect to a server that speaks only classic', async () => {
    const { pool, at } = pooling('session');
    const connecting = pool.connect();
    answerAsClassic(at(0));
    await expect(connecting).rejects.toMatchObject({ code: 'UNIMPLEMENTED' });
  });
});

describe('protocol "classic"', () => {
  it('never says hello', async () => {
    const { pool, at, clock } = pooling('classic');
    const call = either();
    pool.call(call);
    serveClassic(at(0));
    clock.advance(1_000_000);
    pool.call(either());
    serveClassic(at(1));
    const connected = pool.connect();
    at(2).open();
    await connected;
    expect([call.log, at(2).frames()]).toEqual([ANSWERED, []]);
  });
});

it('a pool that is closed closes what it has in both protocols', async () => {
  const { pool, at, clock } = pooling('auto');
  pool.call(either());
  answerAsClassic(at(0));
  at(1).open();
  clock.advance(60_000);
  pool.call(either());
  at(2).accept();
  const closed = pool.close(new XtcpError('CANCELLED', 'the client was closed'));
  expect([at(1).stream.did.at(-1), at(2).stream.did.at(-1)]).toEqual(['destroy', 'destroy']);
  at(1).stream.close();
  at(2).stream.close();
  await closed;
  expect(clock.pending).toBe(0);
});

function pinging(log: string[]): PingObserver {
  return { onPong: () => log.push('answered'), onError: ({ code, message }) => log.push(`${code}: ${message}`) };
}

describe('a ping', () => {
  it('goes over the session that is open, or that it opens', async () => {
    const { pool, at, dials } = pooling('auto');
    const log: string[] = [];
    pool.ping(pinging(log));
    at(0).accept();
    await settled();
    at(0).send('R1');
    pool.ping(pinging(log));
    expect(at(0).heads()).toEqual(['P1', 'P2']);
    at(0).send('R2');
    expect([log, dials.length]).toEqual([['answered', 'answered'], 1]);
  });

  it('that is taken back before there is a session is never sent', async () => {
    const { pool, at } = pooling('auto');
    const log: string[] = [];
    pool.ping(pinging(log))();
    at(0).accept();
    await settled();
    expect([at(0).heads(), log]).toEqual([[], []]);
  });

  it('fails where nothing listens', async () => {
    const { pool, at } = pooling('auto');
    const log: string[] = [];
    pool.ping(pinging(log));
    at(0).fail();
    await settled();
    expect(log).toEqual(['UNAVAILABLE: nothing listens there']);
  });

  it('fails with a server that speaks only classic, which has none', async () => {
    const { pool, at, dials } = pooling('auto');
    const log: string[] = [];
    pool.ping(pinging(log));
    answerAsClassic(at(0));
    await settled();
    pool.ping(pinging(log));
    pooling('classic').pool.ping(pinging(log));
    const refused = 'UNIMPLEMENTED: xtcp 0.2 has no ping';
    expect([log, dials.length]).toEqual([[refused, refused, refused], 1]);
  });
});
