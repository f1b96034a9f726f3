import { describe, expect, it } from 'vitest';

import { calling, recorded, serving, type Wire } from './session-play.js';

const limits = { keepAliveIntervalMs: 100, keepAliveTimeoutMs: 30 };
const ROLES: [string, () => Wire][] = [
  ['server', () => serving({ limits })],
  ['client', () => calling({ limits })],
];

describe.each(ROLES)('a %s', (_role, start) => {
  it('asks a silent peer for a sign of life, once', () => {
    const { clock, heads } = start();
    clock.advance(99);
    expect(heads()).toEqual([]);
    clock.advance(1);
    expect(heads()).toEqual(['P1']);
    clock.advance(29);
    expect(heads()).toEqual([]);
  });

  it('drops a peer that gives none in time, and says nothing more', () => {
    const { clock, stream } = start();
    clock.advance(129);
    expect(stream.did).toEqual([]);
    clock.advance(1);
    expect(stream.did).toEqual(['destroy']);
    stream.take();
    stream.close();
    expect([clock.pending, stream.take()]).toEqual([0, '']);
    clock.advance(1000);
    expect(stream.did).toEqual(['destroy']);
  });

  it('takes the answer as one, and asks again when the peer has been silent again', () => {
    const { clock, heads, send, stream } = start();
    clock.advance(100);
    expect(heads()).toEqual(['P1']);
    clock.advance(10);
    send('R1');
    clock.advance(99);
    expect([heads(), stream.did]).toEqual([[], []]);
    clock.advance(1);
    expect(heads()).toEqual(['P2']);
    clock.advance(30);
    expect(stream.did).toEqual(['destroy']);
  });

  it('takes any bytes as a sign of life, even those of a frame that is not whole', () => {
    const { clock, heads, stream } = start();
    clock.advance(99);
    stream.receive('9');
    clock.advance(99);
    expect(heads()).toEqual([]);
    clock.advance(1);
    expect(heads()).toEqual(['P1']);
    clock.advance(1);
    stream.receive('9');
    clock.advance(29);
    expect(stream.did).toEqual([]);
  });

  it('takes it as a sign of life that the peer reads on', () => {
    const { clock, heads, stream } = start();
    clock.advance(99);
    stream.drain();
    clock.advance(99);
    expect(heads()).toEqual([]);
    clock.advance(1);
    expect(heads()).toEqual(['P1']);
    clock.advance(10);
    stream.drain();
    clock.advance(20);
    expect(stream.did).not.toContain('destroy');
  });

  it('answers pings, and needs none itself while they come', () => {
    const { clock, heads, send } = start();
    for (let ping = 1; ping <= 5; ping++) {
      clock.advance(90);
      send(`P${ping}`);
    }
    expect(heads()).toEqual(['R1', 'R2', 'R3', 'R4', 'R5']);
  });

  it('asks nothing of a peer whose connection is closed, or is being closed', () => {
    const closed = start();
    closed.stream.close();
    const closing = start();
    closing.send('Z');
    closing.stream.take();
    for (const { clock, heads } of [closed, closing]) {
      clock.advance(1000);
      expect(heads()).toEqual([]);
    }
    expect(closed.clock.pending).toBe(0);
  });
});

describe('with an interval of 0', () => {
  it.each<[string, () => Wire]>([
    ['server', () => serving({ limits: { keepAliveIntervalMs: 0, keepAliveTimeoutMs: 30 } })],
    ['client', () => calling({ limits: { keepAliveIntervalMs: 0, keepAliveTimeoutMs: 30 } })],
  ])('a %s asks for nothing, and drops nobody', (_role, start) => {
    const { clock, stream } = start();
    expect(clock.pending).toBe(0);
    clock.advance(10_000_000);
    expect([stream.take(), stream.did]).toEqual(['', []]);
  });
});

it('the calls of a client whose server is dropped fail', () => {
  const { session, clock, told } = calling({ limits });
  const call = recorded();
  session.open(call);
  clock.advance(130);
  expect([call.log, told]).toEqual([[['error', 'UNAVAILABLE', undefined, undefined]], ['leaving']]);
});

it('the calls of a server whose client is dropped are told to stop', () => {
  const { calls, send, clock } = serving({ limits });
  send('Qt1', 'p', 'a');
  const stops: unknown[] = [];
  calls[0]!.stopper = { stop: (reason) => stops.push(reason) };
  clock.advance(130);
  expect(stops).toMatchObject([{ code: 'UNAVAILABLE' }]);
});

it('a server tells its owner of a client that it drops, once, and of nothing where it is alive', () => {
  const { broken, clock, send, stream } = serving({ limits });
  clock.advance(110);
  send('R1');
  clock.advance(129);
  expect(broken).toEqual([]);
  clock.advance(1);
  stream.close();
  expect(broken).toMatchObject([{ code: 'UNAVAILABLE' }]);
  expect(broken[0]?.message).toContain('no sign of life for 30 ms behind a ping');
});

it('a server serves on behind a ping what runs, whoever waits for it, and what comes', () => {
  const { calls, clock, send, heads } = serving({ limits, own: { maxCalls: 2 } });
  send('Qt1', 'p', 'a');
  send('Qt2', 'p', 'b');
  send('X2');
  calls[1]?.leave();
  clock.advance(101);
  send('R1');
  send('Qt3', 'p', 'c');
  send('Qt4', 'p', 'd');
  calls[0]?.answer('A');
  expect(heads()).toEqual(['P1', 'E4', 'At1']);

  calls[0]?.leave();
  calls[2]?.answer('C');
  clock.advance(101);
  send('R2');
  calls[2]?.leave();
  clock.advance(101);
  send('R3');
  send('Qt5', 'p', 'e');
  calls[3]?.answer('E');
  expect(heads()).toEqual(['At3', 'P2', 'P3', 'At5']);
});
