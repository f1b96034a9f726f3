import { expect, it } from 'vitest';

import { RepeatedLines } from '../../src/log/repeated-lines.js';
import { FakeClock } from '../support/fake-clock.js';

function writing(): { clock: FakeClock; repeated: RepeatedLines; lines: string[] } {
  const clock = new FakeClock();
  const lines: string[] = [];
  return { clock, lines, repeated: new RepeatedLines(clock, (line) => lines.push(line)) };
}

it('the first line about a subject is written at once, whatever was written about others', () => {
  const { repeated, lines } = writing();
  repeated.tell('10.0.0.1', 'one');
  repeated.tell('10.0.0.2', 'two');
  expect(lines).toEqual(['one', 'two']);
});

it('those that follow soon are counted, and told with the next one behind ten seconds', () => {
  const { repeated, lines, clock } = writing();
  repeated.tell('10.0.0.1', 'first');
  for (let count = 0; count < 1000; count++) repeated.tell('10.0.0.1', 'further');
  clock.advance(9999);
  repeated.tell('10.0.0.1', 'further');
  expect(lines).toEqual(['first']);
  clock.advance(1);
  repeated.tell('10.0.0.1', 'latest');
  expect(lines.slice(1)).toEqual(['latest (and 1001 more like it)']);
});

it('a single one behind ten quiet seconds is written as it is', () => {
  const { repeated, lines, clock } = writing();
  repeated.tell('10.0.0.1', 'first');
  clock.advance(10_000);
  repeated.tell('10.0.0.1', 'second');
  expect(lines).toEqual(['first', 'second']);
});

it('what was counted of a subject that has gone quiet is told when another one is written', () => {
  const { repeated, lines, clock } = writing();
  for (let count = 0; count < 3; count++) repeated.tell('10.0.0.1', 'first');
  clock.advance(10_000);
  repeated.tell('10.0.0.2', 'other');
  expect(lines).toEqual(['first', '2 more lines about 10.0.0.1 were not written', 'other']);
});

it('however many subjects there are, a hundred lines are written in ten seconds, and the rest is counted', () => {
  const { repeated, lines, clock } = writing();
  for (let number = 0; number < 100_000; number++) repeated.tell(`peer ${number}`, 'here');
  expect(lines).toHaveLength(100);
  clock.advance(10_000);
  repeated.tell('late', 'there');
  expect(lines.slice(100)).toEqual(['99900 more lines about others were not written', 'there']);
});

it('the end tells what was counted', () => {
  const { repeated, lines } = writing();
  for (let count = 0; count < 3; count++) repeated.tell('10.0.0.1', 'first');
  repeated.flush();
  repeated.flush();
  expect(lines).toEqual(['first', '2 more lines about 10.0.0.1 were not written']);
});

it('control characters are escaped, so that a line stays one', () => {
  const { repeated, lines } = writing();
  repeated.tell('10.0.0.1', 'a\nb\u001b[31m\u2028c\u0000');
  expect(lines).toEqual(['a\\u000ab\\u001b[31m\\u2028c\\u0000']);
});
