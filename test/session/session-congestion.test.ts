import { describe, expect, it } from 'vitest';

import { pooling } from '../pool/session-pooling.js';
import { calling, recorded, serving, type Wire } from './session-play.js';

const limits = { keepAliveIntervalMs: 100, keepAliveTimeoutMs: 30 };

describe.each<[string, () => Wire]>([
  ['server', () => serving({ limits })],
  ['client', () => calling({ limits })],
])('while a write of a %s waits', (_role, start) => {
  it('no ping is sent behind it, and nobody is taken for dead', () => {
    const { clock, heads, stream } = start();
    stream.pendingBytes = 1;
    clock.advance(10_000);
    expect([heads(), stream.did]).toEqual([[], []]);
    stream.pendingBytes = 0;
    stream.drain();
    clock.advance(99);
    expect(heads()).toEqual([]);
    clock.advance(1);
    expect(heads()).toEqual(['P1']);
    clock.advance(30);
    expect(stream.did).toContain('destroy');
  });

  it('a ping before it has no end', () => {
    const { clock, heads, stream } = start();
    clock.advance(100);
    stream.pendingBytes = 1;
    clock.advance(10_000);
    expect([heads(), stream.did]).toEqual([['P1'], []]);
  });
});

describe('a client whose server does not keep up', () => {
  it('opens no call until it does again', () => {
    const { session, stream, told } = calling();
    stream.keepsUp = false;
    session.open(recorded());
    expect([session.hasRoom, told]).toEqual([false, []]);
    stream.keepsUp = true;
    stream.drain();
    expect([session.hasRoom, told]).toEqual([true, ['room']]);
  });

  it('goes on to read, so that both cannot wait for each other', () => {
    const { session, stream, send } = calling();
    stream.keepsUp = false;
    const call = recorded();
    session.open(call);
    send('At1', 'A');
    expect([call.log.length, stream.did]).toEqual([2, []]);
  });

  it('has calls wait, even where others end, and sends them behind the drain in order', () => {
    const { pool, at } = pooling();
    pool.call(recorded());
    at(0).accept();
    at(0).frames();
    at(0).stream.keepsUp = false;
    for (const pattern of ['a', 'b', 'c']) pool.call(recorded({ pattern }));
    at(0).send('At1', 'A');
    expect(
      at(0)
        .frames()
        .map(([, pattern]) => pattern),
    ).toEqual(['a']);
    at(0).stream.keepsUp = true;
    at(0).stream.drain();
    expect(
      at(0)
        .frames()
        .map(([, pattern]) => pattern),
    ).toEqual(['b', 'c']);
  });

  it('is told of no room where it is leaving meanwhile', () => {
    const { session, stream, told } = calling();
    stream.keepsUp = false;
    session.open(recorded());
    session.drain();
    stream.drain();
    expect([session.hasRoom, told]).toEqual([false, ['leaving']]);
  });
});

describe('where the connection is lost', () => {
  it('calls that were never handed to the operating system have not been executed', () => {
    const { session, stream } = calling();
    const [left, never] = [recorded(), recorded({ kind: 'event' })];
    session.open(left);
    stream.handsOver = false;
    session.open(never);
    stream.close(new Error('reset'));
    expect(left.log).toEqual([['error', 'UNAVAILABLE', undefined, undefined]]);
    expect(never.log).toEqual([['error', 'UNAVAILABLE', false, undefined]]);
  });

  it('this holds however it is lost', () => {
    const ways: ((client: ReturnType<typeof calling>) => void)[] = [
      ({ stream }) => stream.receiveEnd(),
      ({ clock }) => clock.advance(130),
      ({ send }) => send('Z'),
    ];
    for (const lose of ways) {
      const client = calling({ limits });
      client.stream.handsOver = false;
      const call = recorded();
      client.session.open(call);
      lose(client);
      expect(call.log).toMatchObject([['error', expect.any(String), false, undefined]]);
    }
  });
});
