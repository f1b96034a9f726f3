import { describe, expect, it } from 'vitest';

import type { Cancel } from '../../src/clock/clock.js';
import { XtcpError } from '../../src/errors/xtcp-error.js';
import type { PingObserver } from '../../src/session/pings.js';
import { calling, recorded, type Calling } from './session-play.js';

/** A ping whose end is written down. */
function pinging(log: string[], name: string): PingObserver {
  return {
    onPong: () => log.push(`${name} answered`),
    onError: ({ code }) => log.push(`${name} ${code}`),
  };
}

/** A session whose server the test plays, and what its pings were told. */
function start(): Calling & { log: string[]; ping: (name: string) => Cancel } {
  const log: string[] = [];
  const side = calling({ limits: { keepAliveIntervalMs: 100, keepAliveTimeoutMs: 30 } });
  return Object.assign(side, { log, ping: (name: string) => side.session.measure(pinging(log, name)) });
}

describe('a ping of a session', () => {
  it('is answered by the number that it has', () => {
    const { ping, heads, send, log } = start();
    ping('a');
    expect(heads()).toEqual(['P1']);
    send('R7');
    send('R0');
    expect(log).toEqual([]);
    send('R1');
    expect(log).toEqual(['a answered']);
    send('R1');
    expect(log).toEqual(['a answered']);
  });

  it('waits while another is on its way, since one side has one at a time', () => {
    const { ping, heads, send, log } = start();
    for (const name of ['a', 'b', 'c']) ping(name);
    expect(heads()).toEqual(['P1']);
    send('R1');
    expect([heads(), log]).toEqual([['P2'], ['a answered']]);
    send('R2');
    send('R3');
    expect(log).toEqual(['a answered', 'b answered', 'c answered']);
  });

  it('waits for the answer to one that the keepalive has sent', () => {
    const { ping, heads, send, log, clock } = start();
    clock.advance(100);
    expect(heads()).toEqual(['P1']);
    ping('a');
    expect(heads()).toEqual([]);
    send('R1');
    expect([heads(), log]).toEqual([['P2'], []]);
    send('R2');
    expect(log).toEqual(['a answered']);
  });

  it('that was taken back is told of nothing, and is not sent where it waited', () => {
    const { ping, heads, send, log } = start();
    const takeBack = ping('a');
    const takeBackNext = ping('b');
    ping('c');
    takeBack();
    takeBackNext();
    expect(heads()).toEqual(['P1']);
    send('R1');
    expect([heads(), log]).toEqual([['P2'], []]);
    send('R2');
    expect(log).toEqual(['c answered']);
  });

  it('fails when the connection is lost, as does each behind it', () => {
    const { ping, log, stream } = start();
    ping('a');
    ping('b');
    stream.close();
    ping('c');
    expect(log).toEqual(['a UNAVAILABLE', 'b UNAVAILABLE', 'c UNAVAILABLE']);
  });

  it('fails when the session has ended its output, and does not keep it open', () => {
    const { ping, session, log, heads } = start();
    ping('a');
    session.drain();
    expect([log, heads()]).toEqual([['a UNAVAILABLE'], ['P1', 'G']]);
  });

  it('goes on while calls do, on a session that is going away', () => {
    const { ping, session, log, send } = start();
    session.open(recorded());
    session.drain();
    ping('a');
    send('R1');
    expect(log).toEqual(['a answered']);
    session.destroy(new XtcpError('CANCELLED', 'the end'));
  });
});
