import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Outcome } from '../classic/caller-fixture.js';
import { pooled, type Dialled } from './fake-dial.js';

/** What may happen to a pool; `at` picks one of the calls or connections that there are. */
interface Event {
  readonly kind: 'call' | 'cancel' | 'open' | 'fail' | 'answer' | 'close' | 'wait';
  readonly at: number;
}

const event: fc.Arbitrary<Event> = fc.record({
  kind: fc.constantFrom('call', 'call', 'call', 'cancel', 'open', 'open', 'fail', 'answer', 'answer', 'close', 'wait'),
  at: fc.nat(),
});

interface ServerSide {
  kind: 'dialled' | 'open' | 'closing' | 'closed';
  /** Requests that came on this connection. */
  readonly asked: string[];
  /** How many of them were answered. */
  answered: number;
}

/** The server's side of the connections. One that closes behind an answer does so a little later: see `arrive`. */
class Servers {
  readonly sides = new Map<Dialled, ServerSide>();

  constructor(
    private readonly dials: readonly Dialled[],
    private readonly closesBehindAnswers: boolean,
  ) {}

  /** Sees what the pool has done: new dials, requests, and connections that it let go of. */
  look(): void {
    for (const dialled of this.dials) {
      const side = this.sides.get(dialled) ?? { kind: 'dialled', asked: [], answered: 0 };
      this.sides.set(dialled, side);
      if (side.kind !== 'open' && side.kind !== 'closing') continue;
      side.asked.push(...dialled.requests());
      if (!dialled.bytes.did.some((what) => ['end', 'destroy', 'reset'].includes(what))) continue;
      side.kind = 'closed';
      dialled.bytes.close();
    }
  }

  /** Has the ends of the connections that the server closed arrive at the pool. */
  arrive(): void {
    for (const [dialled, side] of this.sides) {
      if (side.kind !== 'closing') continue;
      side.kind = 'closed';
      dialled.close();
    }
  }

  /** Does it to one of the connections to which it can be done; says whether there was one. */
  act(kind: 'open' | 'fail' | 'answer' | 'close', at: number): boolean {
    const able = [...this.sides].filter(([dialled, side]) => {
      if (kind === 'answer') return side.kind === 'open' && side.answered < side.asked.length;
      return kind === 'close' ? side.kind === 'open' : side.kind === 'dialled' && !dialled.cancelled;
    });
    const [dialled, side] = able[at % able.length] ?? [];
    if (dialled === undefined || side === undefined) return false;
    if (kind === 'answer') {
      if (this.closesBehindAnswers) side.kind = 'closing';
      dialled.answer(`answer to ${side.asked[side.answered++]}`);
    } else if (kind === 'close') {
      side.kind = 'closing';
    } else {
      side.kind = kind === 'open' ? 'open' : 'closed';
      dialled[kind]();
    }
    return true;
  }
}

test.each([
  { pipelining: 1, closesBehindAnswers: true },
  { pipelining: 1, closesBehindAnswers: false },
  { pipelining: 3, closesBehindAnswers: false },
])('whatever happens, each call is sent once and told once, and the limits hold: %j', (server) => {
  const { pipelining, closesBehindAnswers } = server;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.array(event, { maxLength: 40, size: 'max' }),
      (connections, events) => {
        const { call, clock, dials } = pooled({
          connections,
          pipelining,
          requestTimeoutMs: 5000,
          queueTimeoutMs: 5000,
        });
        const servers = new Servers(dials, closesBehindAnswers);
        const calls: (Outcome & { readonly cancel: () => void; cancelled: boolean })[] = [];
        const cancel = (at: number): void => {
          const one = calls[at % calls.length];
          if (one === undefined || one.values.length + one.errors.length > 0) return;
          one.cancelled = true;
          one.cancel();
        };
        const waitedFor = (method: string): boolean => {
          const one = calls[Number(method.slice(1))];
          return one !== undefined && !one.cancelled && one.values.length + one.errors.length === 0;
        };
        for (const { kind, at } of events) {
          if (kind === 'call') calls.push({ ...call(`m${calls.length}`), cancelled: false });
          else if (kind === 'cancel') cancel(at);
          else if (kind !== 'wait') servers.act(kind, at);
          servers.look();
          if (kind === 'wait') {
            servers.arrive();
            clock.advance(at % 3000);
            servers.look();
          }
          const open = [...servers.sides.values()].filter((side) => side.kind === 'open');
          const carried = open.map(({ asked, answered }) => asked.slice(answered).filter(waitedFor).length);
          expect(carried.filter((count) => count > 0).length).toBeLessThanOrEqual(connections);
          expect(Math.max(0, ...carried)).toBeLessThanOrEqual(pipelining);
        }
        do {
          servers.arrive();
          servers.look();
        } while (servers.act('open', 0) || servers.act('answer', 0));

        const sides = [...servers.sides.values()];
        const asked = sides.flatMap((side) => side.asked);
        expect(new Set(asked).size).toBe(asked.length);
        expect(closesBehindAnswers ? sides.filter((side) => side.asked.length > 1) : []).toEqual([]);
        for (const { values, errors, cancelled } of calls)
          expect(values.length + errors.length).toBe(cancelled ? 0 : 1);
        for (const [number, { values }] of calls.entries())
          expect([[], [`answer to m${number}`]]).toContainEqual(values);
        expect(clock.pending).toBe(0);
      },
    ),
  );
});
