import { describe, expect, it } from 'vitest';

import type { Cancel } from '../../src/clock/clock.js';
import { openSession } from '../../src/pool/open-session.js';
import type { ClientSession } from '../../src/session/client-session.js';
import { HELLO, LIMITS, recorded } from '../session/session-play.js';
import { POOL_LIMITS } from './session-pooling.js';
import { FakeClock } from '../support/fake-clock.js';
import { dialling, type Dialled } from './session-dialling.js';

interface Opening {
  readonly clock: FakeClock;
  readonly dialled: Dialled;
  /** What was told, in order. */
  readonly told: unknown[];
  readonly session: () => ClientSession;
  readonly cancel: Cancel;
}

function opening(connectTimeoutMs = 200): Opening {
  const clock = new FakeClock();
  const { dial, at } = dialling();
  const told: unknown[] = [];
  let opened: ClientSession | undefined;
  const limits = {
    ...LIMITS,
    ...POOL_LIMITS,
    connectTimeoutMs,
    maxAheadBytes: 0,
  };
  const own = { ...HELLO, maxCalls: 123, codecs: ['m'] };
  const cancel = openSession(dial, own, undefined, limits, clock, undefined, {
    onOpen: (session) => {
      opened = session;
      told.push('open');
    },
    onClassic: () => told.push('classic'),
    onFailed: ({ code, executed }) => told.push([code, executed]),
    onGone: () => told.push('gone'),
    onRoom: () => told.push('room'),
    onLost: () => told.push('lost'),
    onLeaving: () => told.push('leaving'),
  });
  const session = (): ClientSession => {
    if (opened === undefined) throw new Error('no session was opened');
    return opened;
  };
  return { clock, dialled: at(0), told, session, cancel };
}

const UNAVAILABLE = ['UNAVAILABLE', false];

describe('a session', () => {
  it('is opened by a hello, and stands when the server has said hello too', () => {
    const { dialled, told, session } = opening();
    dialled.open();
    expect(dialled.frames()).toEqual([
      ['xtcp', '1', '{"maxFrame":65536,"window":65536,"maxCalls":123,"codecs":["m"]}'],
    ]);
    expect(told).toEqual([]);
    dialled.send('xtcp', '1', '{"maxCalls":100,"later":true}', 'later');
    expect(told).toEqual(['open']);
    const call = recorded();
    session().open(call);
    dialled.send('At1', 'A');
    dialled.stream.close();
    expect([call.log.length, told]).toEqual([2, ['open', 'room', 'leaving', 'gone']]);
  });

  it('takes what comes right behind the hello of the server', () => {
    const { dialled, told } = opening();
    dialled.open();
    dialled.stream.receive('4\r\nxtcp\r\n1\r\n1\r\n2\r\n{}\r\n\r\n1\r\nG\r\n2\r\n{}\r\n\r\n');
    expect(told).toEqual(['open', 'leaving']);
  });

  it('has no time limit once it stands', () => {
    const { dialled, told, clock } = opening();
    dialled.accept();
    clock.advance(1000);
    expect([told, clock.pending]).toEqual([['open'], 0]);
  });
});

describe('no session comes of', () => {
  it.each<[string, (dialled: Dialled, clock: FakeClock) => void, unknown]>([
    [
      'a refusal',
      (dialled) => dialled.send('xtcp', '1', '{"error":{"code":"UNAUTHENTICATED","message":"m"}}'),
      ['UNAUTHENTICATED', false],
    ],
    ['a hello that cannot be read', (dialled) => dialled.send('xtcp', '1', '{'), ['PROTOCOL_ERROR', false]],
    ['a hello with a wrong member', (dialled) => dialled.send('xtcp', '1', '{"window":1}'), ['PROTOCOL_ERROR', false]],
    ['a hello of no version', (dialled) => dialled.send('xtcp', '0', '{}'), ['PROTOCOL_ERROR', false]],
    ['a hello of a version above ours', (dialled) => dialled.send('xtcp', '2', '{}'), ['PROTOCOL_ERROR', false]],
    ['a close', ({ stream }) => stream.receiveEnd(), UNAVAILABLE],
    ['half an answer', ({ stream }) => (stream.receive('4\r\nxt'), stream.receiveEnd()), UNAVAILABLE],
    ['bytes that are no frame', ({ stream }) => stream.receive('HTTP/1.1 400'), UNAVAILABLE],
    ['a frame of two fields', (dialled) => dialled.send('a', 'b'), UNAVAILABLE],
    ['a frame of three fields that is no hello', (dialled) => dialled.send('a', 'b', 'c'), UNAVAILABLE],
    ['a frame that is too large', ({ stream }) => stream.receive('99999999\r\n'), UNAVAILABLE],
    ['silence', (_dialled, clock) => clock.advance(200), UNAVAILABLE],
  ])('%s, and nothing else is told', (_what, happens, told) => {
    const opened = opening();
    opened.dialled.open();
    happens(opened.dialled, opened.clock);
    opened.dialled.send('xtcp', '1', '{}');
    opened.dialled.stream.close();
    expect(opened.told).toEqual([told, 'gone']);
    expect(opened.clock.pending).toBe(0);
  });

  it('silence only when the time is up, which counts from the connection', () => {
    const { dialled, told, clock } = opening();
    clock.advance(1000);
    dialled.open();
    clock.advance(199);
    expect([told, dialled.stream.did]).toEqual([[], []]);
    clock.advance(1);
    expect([told, dialled.stream.did]).toEqual([[UNAVAILABLE], ['destroy']]);
  });

  it('silence at no time where there is no time limit', () => {
    const { dialled, told, clock } = opening(0);
    dialled.open();
    clock.advance(1_000_000);
    expect(told).toEqual([]);
  });

  it('a reset', () => {
    const { dialled, told, clock } = opening();
    dialled.open();
    dialled.stream.close(new Error('reset'));
    expect([told, clock.pending]).toEqual([[UNAVAILABLE, 'gone'], 0]);
  });

  it('a dial that fails', () => {
    const { dialled, told } = opening();
    dialled.fail();
    expect(told).toEqual([UNAVAILABLE, 'gone']);
  });
});

it('an answer of one field is that of a server which speaks classic', () => {
  for (const answer of ['', 'Traceback (most recent call last):']) {
    const { dialled, told, clock } = opening();
    dialled.open();
    dialled.send(answer);
    expect([told, dialled.stream.did]).toEqual([['classic'], ['destroy']]);
    dialled.stream.close();
    expect([told, clock.pending]).toEqual([['classic', 'gone'], 0]);
  }
});

describe('what is cancelled', () => {
  it('while it is dialled is told as gone, and as nothing else', () => {
    const { dialled, told, cancel } = opening();
    cancel();
    cancel();
    expect([dialled.cancelled, told]).toEqual([true, ['gone']]);
  });

  it('while the server is greeted is told as gone once it is', () => {
    const { dialled, told, cancel, clock } = opening();
    dialled.open();
    cancel();
    expect([dialled.stream.did, told]).toEqual([['destroy'], []]);
    dialled.send('xtcp', '1', '{}');
    dialled.stream.close();
    expect([told, clock.pending]).toEqual([['gone'], 0]);
  });

  it('once the session stands, or has failed, changes nothing', () => {
    const { dialled, told, cancel } = opening();
    dialled.accept();
    cancel();
    expect([dialled.stream.did, told]).toEqual([[], ['open']]);
    const failed = opening();
    failed.dialled.fail();
    failed.cancel();
    expect(failed.told).toEqual([UNAVAILABLE, 'gone']);
  });
});
