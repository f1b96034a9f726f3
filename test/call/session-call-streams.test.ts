import { of, Subject, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';

import { settled } from '../session/session-play.js';
import { client } from './session-call-play.js';

const generator = async function* (...items: unknown[]): AsyncGenerator {
  yield* items;
};

describe('data that is a stream', () => {
  it.each([
    ['an Observable', of('a', [1])],
    ['an async iterable', generator('a', [1])],
  ])('such as %s goes item by item behind the call', async (_what, data) => {
    const { make, at } = client();
    make({ data });
    at(0).accept();
    await settled();
    expect(at(0).frames()).toEqual([['O-1', 'toupper', ''], ['Nt1', 'a'], ['Nj1', '[1]'], ['C1']]);
  });

  it('is not begun before there is a connection', () => {
    const { make, at } = client();
    const items = new Subject();
    make({ data: items });
    expect(items.observed).toBe(false);
    at(0).accept();
    expect(items.observed).toBe(true);
  });

  it('of an Observable is left when the call ends', () => {
    const { make, at } = client();
    const items = new Subject();
    const { log } = make({ data: items });
    at(0).accept();
    items.next('a');
    at(0).send('At1', 'A');
    items.next('late');
    expect([items.observed, log.at(-1)]).toEqual([false, ['complete']]);
    expect(at(0).heads()).toEqual(['O-1', 'Nt1']);
  });

  it('of an Observable is left when the call is cancelled', () => {
    const { make, at } = client();
    const items = new Subject();
    const { cancel } = make({ data: items });
    at(0).accept();
    cancel();
    expect([items.observed, at(0).heads()]).toEqual([false, ['O-1', 'X1']]);
  });

  it('of an Observable that is too far ahead of its reader ends with an error', () => {
    const { make, at } = client('auto', 100);
    const items = new Subject();
    make({ data: items });
    at(0).accept();
    items.next('x'.repeat(65_504));
    items.next('held');
    items.next('x'.repeat(100));
    const end = at(0).frames().at(-1);
    expect([end?.[0], items.observed]).toEqual(['E1', false]);
    expect(end?.[1]).toContain('RESOURCE_EXHAUSTED');
  });

  it('that fails tells the handler so, and the call goes on', async () => {
    for (const data of [
      throwError(() => new Error('secret')),
      { [Symbol.asyncIterator]: () => ({ next: async () => Promise.reject(new Error('secret')) }) },
      {
        [Symbol.asyncIterator]: () => {
          throw new Error('secret');
        },
      },
    ]) {
      const { make, at } = client();
      const { log } = make({ data });
      at(0).accept();
      await settled();
      expect(at(0).heads()).toEqual(['O-1', 'E1']);
      at(0).send('At1', 'A');
      expect(log).toEqual([['value', 'A'], ['complete']]);
    }
  });

  it('that aborts its own call as soon as it is asked leaves nothing of it', () => {
    const { make, at } = client();
    const controller = new AbortController();
    make();
    at(0).accept();
    at(0).frames();
    const data = {
      [Symbol.asyncIterator]: () => {
        controller.abort();
        return { next: () => new Promise<never>(() => {}) };
      },
    };
    const { log } = make({ data, signal: controller.signal });
    expect([log, at(0).heads()]).toEqual([[['error', 'CANCELLED', undefined]], ['O-2', 'X2']]);
  });

  it.each(['none', 'received', 'handled'] as const)('is no event: with ack %s it is not emitted', (ack) => {
    const { make, dials } = client();
    const items = new Subject();
    const { log } = make({ kind: 'event', ack, data: items });
    expect([log, dials, items.observed]).toEqual([[['error', 'INVALID_ARGUMENT', false]], [], false]);
  });
});

describe('items', () => {
  it('come at the pace at which the caller takes them', () => {
    const { make, at } = client();
    const { log, take } = make();
    at(0).accept();
    at(0).frames();
    at(0).send('Nt1', 'x'.repeat(40_000));
    expect(at(0).frames()).toEqual([]);
    take();
    expect([log.length, at(0).frames()]).toEqual([1, [['W1 40032']]]);
  });
});

describe('over classic', () => {
  it('a call is made and answered, without what classic has no place for', () => {
    const { make, at } = client('classic');
    const { log } = make({ metadata: { k: 'v' }, data: { a: 1 } });
    at(0).open();
    expect(at(0).frames()).toEqual([['toupper', '{"a":1}']]);
    at(0).send('A');
    expect(log).toEqual([['value', 'A'], ['complete']]);
  });

  it('a stream is refused, and its source is never asked', () => {
    const { make, dials } = client('classic');
    const items = new Subject();
    const { log } = make({ data: items });
    expect([log, items.observed, dials]).toEqual([[['error', 'UNIMPLEMENTED', false]], false, []]);
  });

  it('a stream is refused behind a fallback, too', () => {
    const { make, at } = client('auto');
    const items = new Subject();
    const { log } = make({ data: items });
    at(0).open();
    at(0).send('Traceback');
    expect([log, items.observed]).toEqual([[['error', 'UNIMPLEMENTED', false]], false]);
  });

  it('requestTimeoutMs counts from the request, and timeoutMs from the call', () => {
    const { make, at, clock } = client('classic');
    const request = make({ requestTimeoutMs: 700 });
    clock.advance(650);
    at(0).open();
    clock.advance(650);
    expect(request.log).toEqual([]);
    clock.advance(50);
    expect(request.log).toEqual([['error', 'DEADLINE_EXCEEDED', undefined]]);
    const call = make({ requestTimeoutMs: 700, timeoutMs: 300 });
    at(1).open();
    clock.advance(300);
    expect([call.log, at(1).stream.did]).toEqual([[['error', 'DEADLINE_EXCEEDED', undefined]], ['reset']]);
  });
});
