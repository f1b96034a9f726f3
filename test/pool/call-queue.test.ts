import { describe, expect, it } from 'vitest';

import { XtcpError } from '../../src/errors/xtcp-error.js';
import { CallQueue } from '../../src/pool/call-queue.js';
import { FakeClock } from '../support/fake-clock.js';

interface Named {
  readonly name: string;
  onError(error: XtcpError): void;
}

function queueing(timeoutMs = 100): {
  clock: FakeClock;
  queue: CallQueue<Named>;
  told: unknown[];
  call: (name: string) => Named;
} {
  const clock = new FakeClock();
  const told: unknown[] = [];
  const call = (name: string): Named => ({
    name,
    onError: ({ code, executed }) => told.push([name, code, executed]),
  });
  return { clock, queue: new CallQueue({ queueTimeoutMs: timeoutMs, maxQueue: 1000 }, clock), told, call };
}

describe('calls that wait', () => {
  it('get their places in order, as long as there are some', () => {
    const { queue, call, clock } = queueing();
    const placed: string[] = [];
    for (const name of ['a', 'b', 'c']) queue.add(call(name));
    let places = 2;
    const place = (): ((given: Named) => () => void) | undefined =>
      places-- > 0
        ? ({ name }) => {
            placed.push(name);
            return () => {
              placed.push(`${name} ended`);
            };
          }
        : undefined;
    queue.drainTo(place);
    expect([placed, queue.isEmpty, clock.pending]).toEqual([['a', 'b'], false, 1]);
    places = 1;
    queue.drainTo(place);
    expect([placed, queue.isEmpty, clock.pending]).toEqual([['a', 'b', 'c'], true, 0]);
  });

  it('fail when they have waited for too long, not executed', () => {
    const { queue, call, clock, told } = queueing();
    queue.add(call('a'));
    clock.advance(60);
    queue.add(call('b'));
    clock.advance(40);
    expect(told).toEqual([['a', 'RESOURCE_EXHAUSTED', false]]);
    clock.advance(60);
    expect([told.length, queue.isEmpty]).toEqual([2, true]);
  });

  it('wait for any time where there is no time limit', () => {
    const { queue, call, clock, told } = queueing(0);
    queue.add(call('a'));
    clock.advance(1_000_000);
    expect([told, queue.isEmpty]).toEqual([[], false]);
  });

  it('leave when they are not wanted any more, and are told of nothing', () => {
    const { queue, call, clock, told } = queueing();
    const cancel = queue.add(call('a'));
    queue.add(call('b'));
    cancel();
    cancel();
    const placed: string[] = [];
    queue.drainTo(
      () =>
        ({ name }) => (placed.push(name), () => {}),
    );
    expect([placed, told, clock.pending]).toEqual([['b'], [], 0]);
  });

  it('are ended where they went, by the same cancel', () => {
    const { queue, call } = queueing();
    const cancel = queue.add(call('a'));
    const ended: string[] = [];
    queue.drainTo(() => ({ name }) => () => {
      ended.push(name);
    });
    expect(ended).toEqual([]);
    cancel();
    expect(ended).toEqual(['a']);
  });

  it('all fail at once where they are turned away', () => {
    const { queue, call, clock, told } = queueing();
    queue.add(call('a'));
    queue.add(call('b'));
    const fail = queue.cut();
    expect([told, queue.isEmpty]).toEqual([[], true]);
    fail(new XtcpError('CANCELLED', 'm'));
    queue.cut()(new XtcpError('CANCELLED', 'm'));
    expect([told, queue.isEmpty, clock.pending]).toEqual([
      [
        ['a', 'CANCELLED', undefined],
        ['b', 'CANCELLED', undefined],
      ],
      true,
      0,
    ]);
  });

  it('may be added from within the failure of another, and are not failed with it', () => {
    const { queue, call, told } = queueing();
    queue.add({ name: 'a', onError: () => queue.add(call('b')) });
    queue.cut()(new XtcpError('CANCELLED', 'm'));
    expect([told, queue.isEmpty]).toEqual([[], false]);
  });

  it('may be added from within the placing of another, and are placed, too', () => {
    const { queue, call } = queueing();
    const placed: string[] = [];
    queue.add(call('a'));
    queue.drainTo(() => ({ name }) => {
      placed.push(name);
      if (name === 'a') queue.add(call('b'));
      return () => {};
    });
    expect(placed).toEqual(['a', 'b']);
  });
});
