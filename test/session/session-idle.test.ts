import { describe, expect, it } from 'vitest';

import { Deadlines } from '../../src/clock/deadlines.js';
import { IdleWatch } from '../../src/clock/idle-watch.js';
import { FakeClock } from '../support/fake-clock.js';
import { serving } from './session-play.js';

const limits = { idleTimeoutMs: 100 };
const REASON = 'the connection carried no call for 100 ms';
const ASKED = ['G', JSON.stringify({ code: 'CANCELLED', reason: REASON })];

function watching(idleTimeoutMs = 100): { clock: FakeClock; watch: IdleWatch; told: number[]; busy: { now: boolean } } {
  const clock = new FakeClock();
  const told: number[] = [];
  const busy = { now: false };
  const owner = {
    limits: { idleTimeoutMs },
    deadlines: new Deadlines(clock),
    get isBusy(): boolean {
      return busy.now;
    },
    onIdle: () => told.push(clock.now()),
  };
  const watch = new IdleWatch(owner);
  return { clock, watch, told, busy };
}

describe('a watch for idleness', () => {
  it('tells each time that so long nothing has gone on, with one timer', () => {
    const { clock, told } = watching();
    clock.advance(350);
    expect([told, clock.all]).toEqual([[100, 200, 300], 1]);
  });

  it('counts from what went on last', () => {
    const { clock, watch, told } = watching();
    clock.advance(70);
    watch.touch();
    clock.advance(50);
    watch.touch();
    expect(clock.all).toBe(1);
    clock.advance(99);
    expect(told).toEqual([]);
    clock.advance(1);
    expect(told).toEqual([220]);
  });

  it('tells nothing while something goes on, however long it does', () => {
    const { clock, watch, told, busy } = watching();
    busy.now = true;
    clock.advance(1050);
    busy.now = false;
    watch.touch();
    clock.advance(99);
    expect(told).toEqual([]);
    clock.advance(1);
    expect(told).toEqual([1150]);
  });

  it('tells nothing once it is stopped, or where there is no limit', () => {
    const stopped = watching();
    stopped.watch.stop();
    const unlimited = watching(0);
    for (const { clock, told } of [stopped, unlimited]) {
      expect(clock.pending).toBe(0);
      clock.advance(1000);
      expect(told).toEqual([]);
    }
  });

  it('may be stopped from within what it tells', () => {
    const clock = new FakeClock();
    const owner = {
      limits,
      deadlines: new Deadlines(clock),
      isBusy: false,
      onIdle: (): void => {
        watch.stop();
      },
    };
    const watch = new IdleWatch(owner);
    clock.advance(100);
    expect(clock.pending).toBe(0);
  });
});

describe('a server whose client makes no calls', () => {
  it('asks it to leave, and leaves by itself where it does not', () => {
    const { clock, frames, stream, broken } = serving({ limits });
    clock.advance(99);
    expect(frames()).toEqual([]);
    clock.advance(1);
    expect([frames(), stream.did]).toEqual([[ASKED], []]);
    clock.advance(99);
    expect([frames(), stream.did]).toEqual([[], []]);
    clock.advance(1);
    expect(frames()).toEqual([['G', JSON.stringify({ code: 'CANCELLED', reason: REASON, last: 0 })]]);
    expect([stream.did, broken]).toEqual([['resume', 'end'], []]);
    clock.advance(1000);
    expect(frames()).toEqual([]);
  });

  it('closes when it leaves', () => {
    const { clock, send, stream, frames } = serving({ limits });
    clock.advance(100);
    frames();
    send('G', '{}');
    expect(stream.did).toEqual(['resume', 'end']);
    stream.close();
    expect(clock.pending).toBe(0);
  });

  it('serves a call that crosses that, and waits anew behind its end', () => {
    const { clock, send, heads, calls, stream } = serving({ limits });
    clock.advance(100);
    send('Qt1', 'p', 'a');
    clock.advance(1000);
    calls[0]?.answer('A');
    calls[0]?.leave();
    expect([heads(), stream.did]).toEqual([['G', 'At1'], []]);
    clock.advance(99);
    expect(stream.did).toEqual([]);
    clock.advance(1);
    expect([heads(), stream.did]).toEqual([['G'], ['resume', 'end']]);
  });

  it('counts from the end of the last call, which is when nothing of it runs any more', () => {
    const { clock, send, heads, calls } = serving({ limits });
    clock.advance(50);
    send('Qt1', 'p', 'a');
    send('Vt2 0', 'p', 'a');
    calls[0]?.answer('A');
    clock.advance(1000);
    calls[0]?.leave();
    clock.advance(1000);
    calls[1]?.leave();
    heads();
    clock.advance(99);
    expect(heads()).toEqual([]);
    clock.advance(1);
    expect(heads()).toEqual(['G']);
  });

  it('asks for nothing behind its own shutdown, and takes no pings for calls', () => {
    const { clock, session, send, heads } = serving({ limits });
    session.drain();
    expect(heads()).toEqual(['G']);
    send('P1');
    heads();
    clock.advance(100);
    expect(heads()).toEqual(['G']);
  });

  it('waits for ever where there is no limit', () => {
    const { clock, frames } = serving();
    clock.advance(1_000_000);
    expect([frames(), clock.all]).toEqual([[], 0]);
  });
});
