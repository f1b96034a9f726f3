import { inspect } from 'node:util';

import { describe, expect, it } from 'vitest';

import type { Cancel } from '../../src/clock/clock.js';
import type { XtcpError } from '../../src/errors/xtcp-error.js';
import type { Auth } from '../../src/options/client-options.js';
import { openSession } from '../../src/pool/open-session.js';
import { deferred } from '../nest/support/deferred.js';
import { HELLO, LIMITS, settled } from '../session/session-play.js';
import { FakeClock } from '../support/fake-clock.js';
import { dialling, type Dialled } from './session-dialling.js';
import { pooling, POOL_LIMITS } from './session-pooling.js';

const TOKEN = 'very secret';

interface Opening {
  readonly clock: FakeClock;
  readonly dials: Dialled[];
  readonly at: (index: number) => Dialled;
  readonly told: string[];
  readonly errors: XtcpError[];
  readonly cancel: Cancel;
}

function opening(auth: Auth): Opening {
  const clock = new FakeClock();
  const { dials, dial, at } = dialling();
  const told: string[] = [];
  const errors: XtcpError[] = [];
  const cancel = openSession(dial, HELLO, auth, { ...LIMITS, ...POOL_LIMITS }, clock, undefined, {
    onOpen: () => told.push('open'),
    onClassic: () => told.push('classic'),
    onFailed: (error) => {
      errors.push(error);
      told.push(`failed ${error.code}`);
    },
    onGone: () => told.push('gone'),
    onRoom: () => {},
    onLost: () => {},
    onLeaving: () => {},
  });
  return { clock, dials, at, told, errors, cancel };
}

/** The token that the hello of a connection shows. */
function shown(dialled: Dialled): unknown {
  return (JSON.parse(dialled.frames()[0]?.[2] ?? '') as { auth?: unknown }).auth;
}

describe('a token', () => {
  it('that is a text is shown in the hello', () => {
    const { at } = opening(TOKEN);
    at(0).open();
    expect(shown(at(0))).toBe(TOKEN);
  });

  it.each<[string, Auth]>([
    ['at once', () => TOKEN],
    ['later', async () => TOKEN],
    ['later and is empty', async () => ''],
  ])('that a function gives %s is asked for before the dial', async (_when, auth) => {
    const { at, dials, told } = opening(auth);
    expect(dials).toHaveLength(0);
    await settled();
    at(0).open();
    expect([shown(at(0)), told]).toEqual([typeof auth === 'function' ? await auth() : auth, []]);
    at(0).send('xtcp', '1', '{}');
    expect(told).toEqual(['open']);
  });

  it('is asked for again at each connect', async () => {
    let asked = 0;
    const { pool, at } = pooling({}, undefined, () => `token ${++asked}`);
    for (const index of [0, 1]) {
      const connected = Promise.allSettled([pool.connect()]);
      await settled();
      at(index).open();
      expect(shown(at(index))).toBe(`token ${index + 1}`);
      at(index).stream.close();
      await connected;
    }
  });
});

function throwing(): never {
  throw new Error('no key');
}

describe('no token', () => {
  it.each<[string, Auth]>([
    ['a function that throws', throwing],
    ['a function that rejects', () => Promise.reject(new Error('no key'))],
  ])('comes of %s: nothing is dialled, and the error has it for its cause', async (_what, auth) => {
    const { dials, told, errors, clock } = opening(auth);
    await settled();
    expect([dials, told, clock.pending]).toEqual([[], ['failed UNAUTHENTICATED', 'gone'], 0]);
    expect(errors).toMatchObject([{ executed: false, cause: { message: 'no key' } }]);
  });

  it.each([undefined, null, 1, {}, { token: TOKEN }])(
    'comes of a function that gives %j, which no error shows',
    async (value) => {
      const { dials, told, errors, clock } = opening((() => value) as unknown as Auth);
      await settled();
      expect([dials, told, clock.pending]).toEqual([[], ['failed UNAUTHENTICATED', 'gone'], 0]);
      expect([errors[0]?.executed, errors[0]?.cause]).toEqual([false, undefined]);
      expect(inspect(errors, { depth: 9 })).not.toContain(TOKEN);
    },
  );

  it('comes of a function that is too slow, and what it gives later counts for nothing', async () => {
    const slow = deferred<string>();
    const { dials, told, clock } = opening(() => slow.promise);
    await settled();
    clock.advance(199);
    expect(told).toEqual([]);
    clock.advance(1);
    expect(told).toEqual(['failed UNAUTHENTICATED', 'gone']);
    slow.resolve(TOKEN);
    await settled();
    expect([dials, told.length]).toEqual([[], 2]);
  });

  it('is waited for where the attempt is cancelled meanwhile', async () => {
    for (const auth of [async () => TOKEN, throwing]) {
      const { dials, told, clock, cancel } = opening(auth);
      cancel();
      cancel();
      expect([told, clock.pending]).toEqual([['gone'], 0]);
      await settled();
      expect([dials, told]).toEqual([[], ['gone']]);
    }
  });

  it('is missed once there is one: cancelling goes on to the dial, and to the connection', async () => {
    const dialled = opening(async () => TOKEN);
    await settled();
    dialled.cancel();
    expect([dialled.at(0).cancelled, dialled.told]).toEqual([true, ['gone']]);
    const open = opening(async () => TOKEN);
    await settled();
    open.at(0).open();
    open.cancel();
    expect([open.at(0).stream.did, open.told]).toEqual([['destroy'], []]);
  });
});

it.each<[string, (dialled: Dialled, clock: FakeClock) => void]>([
  ['a dial that fails', (dialled) => dialled.fail()],
  ['silence', (dialled, clock) => (dialled.open(), clock.advance(200))],
  ['a close', (dialled) => (dialled.open(), dialled.stream.receiveEnd())],
  ['an answer that is none', (dialled) => (dialled.open(), dialled.stream.receive('HTTP/1.1 400'))],
  ['a hello that is none', (dialled) => (dialled.open(), dialled.send('xtcp', '1', '{'))],
])('the error of %s does not show the token', (_what, happens) => {
  const { at, clock, errors } = opening(TOKEN);
  happens(at(0), clock);
  expect(errors).toHaveLength(1);
  expect(inspect(errors, { depth: 9, showHidden: true }) + JSON.stringify(errors)).not.toContain(TOKEN);
});
