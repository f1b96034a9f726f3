import { expect, it } from 'vitest';

import { LostEvents } from '../../src/client/lost-events.js';
import { FakeClock } from '../support/fake-clock.js';

function losing(): { clock: FakeClock; events: LostEvents; lines: string[] } {
  const clock = new FakeClock();
  const lines: string[] = [];
  return { clock, lines, events: new LostEvents(clock, { error: (line) => lines.push(line) }) };
}

it('the first event that is lost is told at once', () => {
  const { events, lines } = losing();
  events.lost(new Error('nobody is there'));
  expect(lines).toEqual(['An event was lost: nobody is there']);
});

it('those that are lost soon after are counted, and told with the next one behind ten seconds', () => {
  const { events, lines, clock } = losing();
  events.lost(new Error('first'));
  for (let count = 0; count < 1000; count++) events.lost(new Error('further'));
  clock.advance(9999);
  events.lost(new Error('further'));
  expect(lines).toHaveLength(1);
  clock.advance(1);
  events.lost(new Error('latest'));
  expect(lines.slice(1)).toEqual(['1002 events were lost, the latest: latest']);
});

it('a single one behind ten quiet seconds is told as one', () => {
  const { events, lines, clock } = losing();
  events.lost(new Error('first'));
  clock.advance(10_000);
  events.lost(new Error('second'));
  expect(lines).toEqual(['An event was lost: first', 'An event was lost: second']);
});

it('what is no Error is told without what it holds', () => {
  const { events, lines } = losing();
  events.lost({ secret: 'payload' });
  events.lost('secret');
  expect(lines).toEqual(['An event was lost: the handler failed']);
});
