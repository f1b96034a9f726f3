import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { XtcpError, type XtcpErrorCode } from '../../src/errors/xtcp-error.js';
import { client, type Client } from './session-call-play.js';

const ANSWERED = [['value', 'A'], ['complete']];
const LIMITS = { retries: 2, retryShare: 1 };
/** Milliseconds by which the first wait is over, whatever the random number. */
const FIRST_WAIT_MS = 25;

function errorField(code: XtcpErrorCode, executed?: false): string {
  return JSON.stringify({ code, message: 'm', executed });
}
const TURNED_AWAY = errorField('UNAVAILABLE', false);

async function* items(): AsyncGenerator<string> {
  yield 'a';
}

/** A client whose first connection stands, and has answered a call. */
function connected(limits: Partial<typeof LIMITS> = {}): Client {
  const one = client('auto', 1000, { ...LIMITS, ...limits });
  one.make();
  one.at(0).accept();
  one.at(0).send('At1', 'A');
  one.at(0).frames();
  return one;
}

/** Waits that take all of their bounds. */
function slowRandom(): void {
  const random = vi.spyOn(Math, 'random').mockReturnValue(0.999_999);
  onTestFinished(() => {
    random.mockRestore();
  });
}

describe('a call that fails is made again', () => {
  it.each<[string, XtcpErrorCode, false | undefined, boolean]>([
    ['was turned away', 'UNAVAILABLE', false, false],
    ['was one too many', 'RESOURCE_EXHAUSTED', false, false],
    ['may run twice and may have run', 'UNAVAILABLE', undefined, true],
  ])('where it %s, and its caller learns nothing of it', (_what, code, executed, idempotent) => {
    const { make, at, clock } = connected();
    const { log } = make({ idempotent });
    at(0).send('E2', errorField(code, executed));
    expect([log, at(0).heads()]).toEqual([[], ['Qt2']]);
    clock.advance(FIRST_WAIT_MS);
    expect(at(0).heads()).toEqual(['Qt3']);
    at(0).send('At3', 'A');
    expect([log, clock.pending]).toEqual([ANSWERED, 0]);
  });

  it('as it was: with its data, its metadata and what is left of its time', () => {
    slowRandom();
    const { make, at, clock } = connected();
    make({ kind: 'event', ack: 'handled', pattern: 'p', data: 'd', metadata: { k: 'v' }, timeoutMs: 500 });
    at(0).send('E2', TURNED_AWAY);
    clock.advance(FIRST_WAIT_MS);
    expect(at(0).frames()).toEqual([
      ['Vt2 2 500', 'p', 'd', '{"k":"v"}'],
      ['Vt3 2 475', 'p', 'd', '{"k":"v"}'],
    ]);
  });

  it('until it may not any more; then its caller gets the last error', () => {
    const { make, at, clock } = connected();
    const told: unknown[] = [];
    const { log } = make({ onMetadata: (metadata) => told.push({ ...metadata }) });
    for (const id of [2, 3, 4]) {
      expect(log).toEqual([]);
      at(0).send(`E${id}`, errorField(id === 4 ? 'RESOURCE_EXHAUSTED' : 'UNAVAILABLE', false), `{"id":"${id}"}`);
      clock.advance(1000);
    }
    expect([log, at(0).heads()]).toEqual([[['error', 'RESOURCE_EXHAUSTED', false]], ['Qt2', 'Qt3', 'Qt4']]);
    // Only of what its caller gets.
    expect([told, clock.pending]).toEqual([[{ id: '4' }], 0]);
  });

  it('over a new connection, where it may run twice and the first was lost', () => {
    const { make, at, clock } = connected();
    const [twice, once] = [make({ idempotent: true }), make()];
    at(0).stream.close(new Error('reset'));
    expect([twice.log, once.log]).toEqual([[], [['error', 'UNAVAILABLE', undefined]]]);
    at(1).accept();
    clock.advance(FIRST_WAIT_MS);
    expect(at(1).heads()).toEqual(['Qt1']);
    at(1).send('At1', 'A');
    expect(twice.log).toEqual(ANSWERED);
  });

  it('where it never left before the connection was lost', () => {
    const { make, at, clock } = connected();
    at(0).stream.handsOver = false;
    const { log } = make();
    at(0).stream.close(new Error('reset'));
    at(1).accept();
    clock.advance(FIRST_WAIT_MS);
    expect([log, at(1).heads()]).toEqual([[], ['Qt1']]);
  });

  it('where the server goes away before it came to it', () => {
    const { make, at, clock } = connected();
    const { log } = make();
    at(0).send('G', '{"code":"UNAVAILABLE","last":1}');
    at(1).accept();
    clock.advance(FIRST_WAIT_MS);
    expect([log, at(1).heads()]).toEqual([[], ['Qt1']]);
  });
});

describe('a call that fails is not made again', () => {
  it.each<[string, XtcpErrorCode, false | undefined, boolean]>([
    ['may have run', 'UNAVAILABLE', undefined, false],
    ['may have run, and exhausted something', 'RESOURCE_EXHAUSTED', undefined, true],
    ['failed in its handler', 'APPLICATION', undefined, true],
    ['failed inside', 'INTERNAL', false, true],
    ['has no handler', 'UNIMPLEMENTED', false, true],
    ['is not allowed', 'PERMISSION_DENIED', false, true],
    ['is out of time', 'DEADLINE_EXCEEDED', false, true],
    ['is wrong', 'INVALID_ARGUMENT', false, true],
    ['was cancelled', 'CANCELLED', false, true],
  ])('where it %s', (_what, code, executed, idempotent) => {
    const { make, at, clock } = connected();
    const { log } = make({ idempotent });
    at(0).send('E2', errorField(code, executed));
    expect([log, clock.pending]).toEqual([[['error', code, executed]], 0]);
  });

  it('where a value of it was delivered', () => {
    const { make, at, clock } = connected();
    const { log } = make({ idempotent: true });
    at(0).send('Nt2', 'A');
    at(0).send('E2', TURNED_AWAY);
    expect([log, clock.pending]).toEqual([
      [
        ['value', 'A'],
        ['error', 'UNAVAILABLE', false],
      ],
      0,
    ]);
  });

  it('where its stream was read', () => {
    const { make, at, clock } = connected();
    const { log } = make({ data: items(), idempotent: true });
    at(0).send('E2', TURNED_AWAY);
    expect([log, clock.pending]).toEqual([[['error', 'UNAVAILABLE', false]], 0]);
  });

  it('where nothing is ever to be', () => {
    const { make, at, clock } = connected({ retries: 0 });
    const { log } = make({ idempotent: true });
    at(0).send('E2', TURNED_AWAY);
    expect([log, clock.pending]).toEqual([[['error', 'UNAVAILABLE', false]], 0]);
  });

  it('where too many others were', () => {
    const one = client('auto', 1000, { retries: 2, retryShare: 0 });
    const made = Array.from({ length: 101 }, () => one.make());
    one.at(0).accept({ maxCalls: 1000 });
    for (let id = 1; id <= 101; id++) one.at(0).send(`E${id}`, TURNED_AWAY);
    expect(made.map(({ log }) => log.length)).toEqual([...Array.from({ length: 100 }, () => 0), 1]);
    expect(one.clock.pending).toBe(100);
  });

  it('where no session could ever be opened', () => {
    const { make, at, clock } = client('auto', 1000, LIMITS);
    const { log } = make({ idempotent: true });
    at(0).fail();
    expect([log, clock.pending]).toEqual([[['error', 'UNAVAILABLE', false]], 0]);
  });
});

describe('a call that waits to be made again', () => {
  it('is out of time when its time is up, and its caller gets the last error', () => {
    slowRandom();
    const { make, at, clock } = connected();
    const { log } = make({ timeoutMs: FIRST_WAIT_MS - 5 });
    at(0).send('E2', TURNED_AWAY);
    clock.advance(FIRST_WAIT_MS - 6);
    expect(log).toEqual([]);
    clock.advance(1);
    expect([log, clock.pending]).toEqual([[['error', 'UNAVAILABLE', false]], 0]);
    expect(at(0).heads()).toEqual([`Qt2 ${FIRST_WAIT_MS - 5}`]);
  });

  it('has one time for all attempts together', () => {
    const { make, at, clock } = connected();
    const { log } = make({ timeoutMs: 500 });
    at(0).send('E2', TURNED_AWAY);
    clock.advance(499);
    expect(log).toEqual([]);
    clock.advance(1);
    expect([log, clock.pending]).toEqual([[['error', 'DEADLINE_EXCEEDED', undefined]], 0]);
    expect(at(0).heads().at(-1)).toBe('X3');
  });

  it('can be cancelled, and is told of nothing', () => {
    const { make, at, clock } = connected();
    const { log, cancel } = make({ timeoutMs: 500 });
    at(0).send('E2', TURNED_AWAY);
    cancel();
    clock.advance(1000);
    expect([log, at(0).heads(), clock.pending]).toEqual([[], ['Qt2 500'], 0]);
  });

  it('is ended by its signal', () => {
    const { make, at, clock } = connected();
    const controller = new AbortController();
    const { log } = make({ signal: controller.signal });
    at(0).send('E2', TURNED_AWAY);
    controller.abort();
    clock.advance(1000);
    expect([log, at(0).heads()]).toEqual([[['error', 'CANCELLED', undefined]], ['Qt2']]);
  });
});

describe('a call that waits to be made again when its client is closed', () => {
  it('fails with that, and nothing is dialled for it', async () => {
    const { make, at, clock, dials, close } = connected();
    const made = [make({ timeoutMs: 500 }), make(), make({ kind: 'event' })];
    for (const id of [2, 3, 4]) at(0).send(`E${id}`, TURNED_AWAY);
    const closed = close();
    expect(made.map(({ log }) => log)).toEqual(made.map(() => [['error', 'CANCELLED', undefined]]));
    at(0).stream.close();
    await closed;
    clock.advance(60_000);
    expect([dials.length, at(0).heads(), clock.pending]).toEqual([1, ['Qt2 500', 'Qt3', 'Vt4 1', 'G'], 0]);
    expect(made.map(({ log }) => log.length)).toEqual([1, 1, 1]);
  });

  it('over a connection that was lost fails with that, too', async () => {
    const { make, at, clock, dials, close } = connected();
    const { log } = make({ idempotent: true });
    at(0).stream.close(new Error('reset'));
    expect([log, dials.length]).toEqual([[], 2]);
    await close();
    clock.advance(60_000);
    expect([log, dials.length, at(1).cancelled]).toEqual([[['error', 'CANCELLED', undefined]], 2, true]);
  });

  it('and is cancelled by its caller before is told of nothing', async () => {
    const { make, at, close } = connected();
    const { log, cancel } = make();
    at(0).send('E2', TURNED_AWAY);
    cancel();
    const closed = close();
    at(0).stream.close();
    await closed;
    expect(log).toEqual([]);
  });
});

it('a call that waits for its lost connection when its time is up is told why it waited', () => {
  const { make, at, clock } = connected();
  at(0).stream.close();
  const { log } = make({ timeoutMs: 500 });
  at(1).fail();
  clock.advance(500);
  expect(log).toEqual([['error', 'UNAVAILABLE', false]]);
});

describe('a classic call', () => {
  const ANSWER = '1\r\nA\r\n\r\n';

  it('is made again where its connection was lost and it may run twice, or never left', () => {
    for (const [idempotent, handsOver] of [
      [true, true],
      [false, false],
    ] as const) {
      const { make, at, clock, dials } = client('classic', 1000, LIMITS);
      const { log } = make({ idempotent });
      at(0).stream.handsOver = handsOver;
      at(0).open();
      at(0).stream.close(new Error('reset'));
      expect([log, dials.length]).toEqual([[], 1]);
      clock.advance(FIRST_WAIT_MS);
      at(1).open();
      at(1).stream.receive(ANSWER);
      expect(log).toEqual(ANSWERED);
      at(1).stream.close();
    }
  });

  it('is not made again where it may have run and may not twice', () => {
    const { make, at, dials, clock } = client('classic', 1000, LIMITS);
    const { log } = make();
    at(0).open();
    at(0).stream.close(new Error('reset'));
    clock.advance(1000);
    expect([log, dials.length]).toEqual([[['error', 'UNAVAILABLE', undefined]], 1]);
  });

  it('is not made again where the server answered with an error, which promises nothing', () => {
    const { make, at, dials, clock } = client('classic', 1000, LIMITS);
    const { log } = make();
    at(0).open();
    const answer = 'XTCP Server: UNAVAILABLE: m';
    at(0).stream.receive(`${answer.length}\r\n${answer}\r\n\r\n`);
    clock.advance(1000);
    expect([log, dials.length]).toEqual([[['error', 'UNAVAILABLE', undefined]], 1]);
  });

  it('that is closed with its client is not made again', async () => {
    const { make, at, dials, clock, pool } = client('classic', 1000, LIMITS);
    const { log } = make({ idempotent: true });
    at(0).open();
    const closed = pool.close(new XtcpError('CANCELLED', 'the client was closed'));
    at(0).stream.close();
    await closed;
    clock.advance(1000);
    expect([log, dials.length]).toEqual([[['error', 'CANCELLED', undefined]], 1]);
  });
});
