import { describe, expect, it } from 'vitest';

import { XtcpError } from '../../src/errors/xtcp-error.js';
import { recorded, settled } from '../session/session-play.js';
import { pooling, type Pooling } from './session-pooling.js';

const CLOSED = new XtcpError('CANCELLED', 'the client was closed');
const GOING = JSON.stringify({ code: 'UNAVAILABLE', reason: 'restart' });
const IDLE = JSON.stringify({ code: 'CANCELLED', reason: 'idle' });
const REFUSED = JSON.stringify({ error: { code: 'UNAUTHENTICATED', message: 'who are you' } });

const failed = (code: string, executed?: false): unknown[] => [['error', code, executed, undefined]];

/** A pool whose first session has served a call, and was lost. What was told until then is not in `told`. */
function lost(): Pooling {
  const one = served();
  one.at(0).stream.close();
  one.told.splice(0);
  return one;
}

/** A pool whose first session has served a call. */
function served(...given: Parameters<typeof pooling>): Pooling {
  const one = pooling(...given);
  one.pool.call(recorded());
  one.at(0).accept().send('At1', 'A');
  one.at(0).frames();
  one.told.splice(0);
  return one;
}

/** Lets each attempt fail. @returns milliseconds from each failure to the next attempt */
function failing({ at, clock, dials }: Pooling, attempts: number): number[] {
  const delays: number[] = [];
  for (let attempt = 0; attempt < attempts; attempt++) {
    const { length } = dials;
    at(length - 1).fail();
    const failedAt = clock.now();
    while (dials.length === length) clock.advance(1);
    delays.push(clock.now() - failedAt);
  }
  return delays;
}

describe('a session that is lost', () => {
  it('is opened again at once where a call had ended on it', () => {
    const { dials, at, told } = served();
    at(0).stream.close();
    expect([dials.length, told]).toEqual([2, ['reconnecting', 'close']]);
    at(1).accept();
    expect(told.slice(2)).toEqual(['connect', 'connected']);
  });

  it('is opened again at once where none had, but behind delays where that goes on: there is no hot loop', () => {
    const { pool, dials, at, told, clock } = pooling();
    pool.call(recorded());
    at(0).accept();
    at(0).stream.close();
    expect(dials).toHaveLength(2);
    for (const delay of [50, 100, 200, 400, 500, 500]) {
      const { length } = dials;
      at(length - 1).accept();
      at(length - 1).stream.close();
      clock.advance(delay - 1);
      expect(dials).toHaveLength(length);
      clock.advance(1);
      expect(dials).toHaveLength(length + 1);
    }
    expect(told.filter((what) => what === 'reconnecting')).toHaveLength(7);
  });

  it('is opened again without a hot loop where its server goes away as soon as it is there', () => {
    const { pool, dials, at, clock } = pooling();
    pool.call(recorded());
    at(0).accept().send('G', GOING);
    expect(dials).toHaveLength(2);
    at(1).accept().send('G', GOING);
    expect(dials).toHaveLength(2);
    clock.advance(50);
    expect(dials).toHaveLength(3);
  });

  it('is opened again where its server goes away, for whatever reason but that nothing is on it', () => {
    for (const message of [GOING, '{}', '{"code":"PROTOCOL_ERROR"}', '{"code":"RESOURCE_EXHAUSTED"}']) {
      const { dials, at, told } = served();
      at(0).send('G', message);
      expect([dials.length, told]).toEqual([2, ['reconnecting']]);
    }
  });

  it('is not opened again before it is needed where its server went away because nothing was on it', () => {
    const { pool, dials, at, told, clock } = served();
    at(0).send('G', IDLE);
    at(0).stream.close();
    clock.advance(1_000_000);
    expect([dials.length, told, clock.pending]).toEqual([1, ['disconnected', 'close'], 0]);
    pool.call(recorded());
    at(1).accept();
    expect([at(1).heads(), told.slice(2)]).toEqual([['Qt1'], ['connect', 'connected']]);
  });
});

describe('attempts to connect again', () => {
  it('follow each other with delays that double up to the most', () => {
    expect(failing(lost(), 7)).toEqual([50, 100, 200, 400, 500, 500, 500]);
  });

  it('are told one by one', () => {
    const one = lost();
    failing(one, 2);
    one.at(3).accept();
    const again = ['lost UNAVAILABLE', 'reconnecting'];
    expect(one.told).toEqual([...again, ...again, 'connect', 'connected']);
  });

  it('have short delays again only once a call was served', () => {
    const one = lost();
    failing(one, 3);
    for (const index of [4, 5]) {
      one.at(index).accept();
      one.at(index).stream.close();
    }
    one.clock.advance(399);
    expect(one.dials).toHaveLength(6);
    one.clock.advance(1);
    one.pool.call(recorded());
    one.at(6).accept().send('At1', 'A');
    one.at(6).stream.close();
    expect(one.dials).toHaveLength(8);
    expect(failing(one, 2)).toEqual([50, 100]);
  });

  it('go on where the server takes the connection and does not answer the hello', () => {
    const { at, dials, told, clock } = lost();
    at(1).open();
    clock.advance(200);
    expect(told).toEqual(['lost UNAVAILABLE', 'reconnecting']);
    clock.advance(50);
    expect(dials).toHaveLength(3);
  });

  it('go on where the server is too busy to take the session', () => {
    const { at, dials, told, clock } = lost();
    at(1).open();
    at(1).send('xtcp', '1', '{"error":{"code":"RESOURCE_EXHAUSTED","message":"full"}}');
    clock.advance(50);
    expect([dials.length, told]).toEqual([3, ['lost RESOURCE_EXHAUSTED', 'reconnecting']]);
  });

  it('end with an error that waiting does not mend, which the calls that wait get', () => {
    const { pool, at, dials, told, clock } = lost();
    const call = recorded({ deadline: 1_000_000 });
    pool.call(call);
    at(1).open();
    at(1).send('xtcp', '1', REFUSED);
    expect([call.log, told]).toEqual([failed('UNAUTHENTICATED', false), ['lost UNAUTHENTICATED', 'disconnected']]);
    at(1).stream.close();
    clock.advance(1_000_000);
    expect([dials.length, clock.pending]).toEqual([2, 0]);
  });

  it('behind such an error are made for the next call, when its time has come', () => {
    const { pool, at, dials, clock } = lost();
    at(1).open();
    at(1).send('xtcp', '1', REFUSED);
    const call = recorded();
    pool.call(call);
    expect(dials).toHaveLength(2);
    clock.advance(50);
    at(2).fail();
    expect(call.log).toEqual(failed('UNAVAILABLE', false));
  });

  it('end when the pool is closed, while one is waited for and while one is made', async () => {
    const making = lost();
    await making.pool.close(CLOSED);
    expect(making.at(1).cancelled).toBe(true);
    const waiting = lost();
    waiting.at(1).fail();
    await waiting.pool.close(CLOSED);
    for (const { clock, dials, told } of [making, waiting]) {
      clock.advance(1_000_000);
      expect([dials.length, told.at(-1), clock.pending]).toEqual([2, 'disconnected', 0]);
    }
  });

  it('behind a close begin anew: at once, and a failure fails the call', async () => {
    const { pool, at, dials } = lost();
    at(1).fail();
    await pool.close(CLOSED);
    const call = recorded({ deadline: 1_000_000 });
    pool.call(call);
    expect(dials).toHaveLength(3);
    at(2).fail();
    expect(call.log).toEqual(failed('UNAVAILABLE', false));
  });

  it('end where what listens to the status closes the pool', () => {
    const one: Pooling = served({}, (status) => {
      if (status === 'reconnecting') void one.pool.close(CLOSED);
    });
    one.at(0).stream.close();
    one.clock.advance(1_000_000);
    expect([one.dials.length, one.told, one.clock.pending]).toEqual([1, ['reconnecting', 'disconnected', 'close'], 0]);
  });
});

describe('calls that wait for a session to be opened again', () => {
  it('do so beyond the time of the queue and over failures, up to their deadline', () => {
    const one = lost();
    const call = recorded({ deadline: 1_000_000 });
    one.pool.call(call);
    failing(one, 5);
    expect(one.clock.now()).toBeGreaterThan(500);
    one.at(6).accept();
    expect([call.log, one.at(6).heads()]).toEqual([[], ['Qt1 998750']]);
  });

  it('and have no deadline fail when the time of the queue is up, with what is wrong', () => {
    const { pool, at, clock } = lost();
    const errors: XtcpError[] = [];
    pool.call(recorded({ onError: (error) => errors.push(error) }));
    at(1).fail();
    clock.advance(500);
    expect(errors).toMatchObject([
      { code: 'UNAVAILABLE', executed: false, message: 'there is no connection: nothing listens there' },
    ]);
  });

  it('and are withdrawn say why they waited', () => {
    const { pool, at } = lost();
    const withdraw = pool.call(recorded());
    at(1).fail();
    expect(withdraw()).toMatchObject({ code: 'UNAVAILABLE', executed: false });
  });

  it('before any session was lost say nothing of the kind', () => {
    const { pool, at } = pooling();
    expect(pool.call(recorded())()).toBeUndefined();
    const withdraw = pool.call(recorded());
    at(0).accept();
    expect(withdraw()).toBeUndefined();
  });
});

describe('connecting while an attempt is waited for', () => {
  it('makes it at once', async () => {
    const { pool, at, dials, clock } = lost();
    at(1).fail();
    const connected = pool.connect();
    expect(dials).toHaveLength(3);
    at(2).accept();
    await connected;
    clock.advance(1_000_000);
    expect(dials).toHaveLength(3);
  });

  it('rejects where that fails, while calls wait on', async () => {
    const { pool, at, told } = lost();
    const call = recorded({ deadline: 1_000_000 });
    pool.call(call);
    at(1).fail();
    const connected = pool.connect();
    at(2).fail();
    await expect(connected).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect([call.log, told.at(-1)]).toEqual([[], 'reconnecting']);
  });

  it('joins the attempt that is made', async () => {
    const { pool, at, dials } = lost();
    let done = false;
    void pool.connect().then(() => {
      done = true;
    });
    at(1).accept();
    await settled();
    expect([done, dials.length]).toEqual([true, 2]);
  });
});

it('a server that turns out to be classic is not connected to again', () => {
  const { at, dials, told, clock } = lost();
  at(1).open();
  at(1).send('');
  at(1).stream.close();
  clock.advance(1_000_000);
  expect([dials.length, told]).toEqual([2, ['classic']]);
});
