import { describe, expect, it } from 'vitest';

import { XtcpError } from '../../src/errors/xtcp-error.js';
import { CallQueue } from '../../src/pool/call-queue.js';
import { FakeClock } from '../support/fake-clock.js';

interface Named {
  readonly name: string;
  readonly deadline?: number | undefined;
  onError(error: XtcpError): void;
}

interface Queueing {
  readonly clock: FakeClock;
  readonly queue: CallQueue<Named>;
  readonly told: unknown[];
  readonly call: (name: string, deadline?: number) => Named;
  /** The connection is lost, or is there again. */
  readonly lose: (lost: boolean) => void;
}

const TROUBLE = new XtcpError('UNAVAILABLE', 'there is no connection', { executed: false });

function queueing(maxQueue = 1000): Queueing {
  const clock = new FakeClock();
  const told: unknown[] = [];
  let trouble: XtcpError | undefined;
  return {
    clock,
    queue: new CallQueue({ queueTimeoutMs: 100, maxQueue }, clock, () => trouble),
    told,
    call: (name, deadline) => ({
      name,
      deadline,
      onError: ({ code, executed }) => told.push([name, code, executed]),
    }),
    lose: (lost) => {
      trouble = lost ? TROUBLE : undefined;
    },
  };
}

describe('more calls than may wait', () => {
  it('fail at once, not executed, and can be withdrawn like others', () => {
    const { queue, call, told, clock } = queueing(2);
    for (const name of ['a', 'b']) queue.add(call(name));
    const withdraw = queue.add(call('c'));
    expect([told, withdraw()]).toEqual([[['c', 'RESOURCE_EXHAUSTED', false]], undefined]);
    expect(clock.pending).toBe(2);
  });

  it('are told of the trouble, where there is one', () => {
    const { queue, call, told, lose } = queueing(0);
    lose(true);
    queue.add(call('a'));
    expect(told).toEqual([['a', 'UNAVAILABLE', false]]);
  });

  it('find room again once one of the others has gone', () => {
    const { queue, call, told } = queueing(1);
    const withdraw = queue.add(call('a'));
    withdraw();
    queue.add(call('b'));
    queue.drainTo(() => () => () => {});
    queue.add(call('c'));
    expect(told).toEqual([]);
  });
});

describe('while a connection that was lost is being opened again', () => {
  it('calls with a deadline wait beyond the time of the queue', () => {
    const { queue, call, told, lose, clock } = queueing();
    lose(true);
    queue.add(call('a', 1000));
    clock.advance(10_000);
    expect([told, queue.isEmpty, clock.pending]).toEqual([[], false, 0]);
    const placed: string[] = [];
    queue.drainTo(() => ({ name }) => {
      placed.push(name);
      return () => {};
    });
    expect(placed).toEqual(['a']);
  });

  it('calls without a deadline fail with the trouble when they have waited for too long', () => {
    const { queue, call, told, lose, clock } = queueing();
    lose(true);
    queue.add(call('a'));
    clock.advance(99);
    expect(told).toEqual([]);
    clock.advance(1);
    expect([told, queue.isEmpty]).toEqual([[['a', 'UNAVAILABLE', false]], true]);
  });

  it('counts what there is when their time is up, not when they came', () => {
    const { queue, call, told, lose, clock } = queueing();
    lose(true);
    queue.add(call('a', 1000));
    lose(false);
    clock.advance(100);
    expect(told).toEqual([['a', 'RESOURCE_EXHAUSTED', false]]);
  });

  it('what withdraws a call says why it waited', () => {
    const { queue, call, lose } = queueing();
    const withdraw = queue.add(call('a'));
    lose(true);
    expect([withdraw(), queue.isEmpty]).toEqual([TROUBLE, true]);
  });
});

describe('what withdraws a call says nothing', () => {
  it('where there is a connection', () => {
    const { queue, call } = queueing();
    expect(queue.add(call('a'))()).toBeUndefined();
  });

  it('of its own where the call has gone on, but what the place says', () => {
    const { queue, call, lose } = queueing();
    const reason = new XtcpError('UNAVAILABLE', 'from the place');
    const withdraw = queue.add(call('a'));
    lose(true);
    queue.drainTo(() => () => () => reason);
    expect(withdraw()).toBe(reason);
  });
});
