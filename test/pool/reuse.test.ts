import { describe, expect, test } from 'vitest';

import { Reuse } from '../../src/pool/reuse.js';
import { FakeClock } from '../support/fake-clock.js';

const FRESH = { answers: 0, answeredAt: 0 };

describe('without anything known of the server', () => {
  test('a connection carries its first call', () => {
    expect(new Reuse(false, new FakeClock()).mayCarry(FRESH)).toBe(true);
  });

  test('a connection carries a second call once it has stayed open for a second behind its first answer', () => {
    const clock = new FakeClock();
    const reuse = new Reuse(false, clock);
    clock.advance(5000);
    const once = { answers: 1, answeredAt: clock.now() };
    reuse.answered(once);
    expect(reuse.mayCarry(once)).toBe(false);
    clock.advance(999);
    expect(reuse.mayCarry(once)).toBe(false);

    clock.advance(1);
    expect(reuse.mayCarry(once)).toBe(true);
  });

  test('nothing is pipelined', () => {
    const reuse = new Reuse(false, new FakeClock());
    reuse.answered({ answers: 1, answeredAt: 0 });

    expect(reuse.mayPipeline).toBe(false);
    expect(reuse.closesBehindAnswers).toBe(false);
  });
});

describe('a server that has given two answers on one connection', () => {
  test('has every connection used again at once, and pipelined', () => {
    const reuse = new Reuse(false, new FakeClock());
    reuse.answered({ answers: 2, answeredAt: 0 });

    expect(reuse.mayCarry({ answers: 1, answeredAt: 0 })).toBe(true);
    expect(reuse.mayCarry({ answers: 2, answeredAt: 0 })).toBe(true);
    expect(reuse.mayPipeline).toBe(true);
  });
});

describe('a server that closed a connection behind its first answer', () => {
  test('has no connection used again for a minute, other than for its first call', () => {
    const clock = new FakeClock();
    const reuse = new Reuse(false, clock);
    reuse.closedByServer({ answers: 1, answeredAt: 0 });
    const once = { answers: 1, answeredAt: 0 };

    clock.advance(59_999);
    expect(reuse.closesBehindAnswers).toBe(true);
    expect(reuse.mayCarry(once)).toBe(false);
    expect(reuse.mayCarry({ answers: 7, answeredAt: 0 })).toBe(false);
    expect(reuse.mayCarry(FRESH)).toBe(true);

    clock.advance(1);
    expect(reuse.closesBehindAnswers).toBe(false);
    expect(reuse.mayCarry(once)).toBe(true);
  });

  test('has to prove anew that it keeps connections open', () => {
    const clock = new FakeClock();
    const reuse = new Reuse(false, clock);
    reuse.answered({ answers: 2, answeredAt: 0 });
    reuse.closedByServer({ answers: 1, answeredAt: 0 });
    clock.advance(60_000);

    expect(reuse.mayCarry({ answers: 1, answeredAt: clock.now() })).toBe(false);
    expect(reuse.mayPipeline).toBe(false);
  });

  test('is remembered from the latest such close on', () => {
    const clock = new FakeClock();
    const reuse = new Reuse(false, clock);
    reuse.closedByServer({ answers: 1, answeredAt: 0 });
    clock.advance(30_000);
    reuse.closedByServer({ answers: 1, answeredAt: 30_000 });
    clock.advance(59_999);

    expect(reuse.closesBehindAnswers).toBe(true);
  });
});

test.each([0, 2, 3])('a close behind %d answers tells nothing', (answers) => {
  const reuse = new Reuse(false, new FakeClock());
  reuse.answered({ answers: 2, answeredAt: 0 });
  reuse.closedByServer({ answers, answeredAt: 0 });

  expect(reuse.closesBehindAnswers).toBe(false);
  expect(reuse.mayPipeline).toBe(true);
});

describe('a server that is assumed to keep connections open', () => {
  test('has them used again and pipelined from the start', () => {
    const reuse = new Reuse(true, new FakeClock());

    expect(reuse.mayCarry({ answers: 1, answeredAt: 0 })).toBe(true);
    expect(reuse.mayPipeline).toBe(true);
  });

  test('has not for a minute when it was seen to close behind its first answer', () => {
    const clock = new FakeClock();
    const reuse = new Reuse(true, clock);
    reuse.closedByServer({ answers: 1, answeredAt: 0 });
    clock.advance(59_999);
    expect(reuse.mayCarry({ answers: 1, answeredAt: 0 })).toBe(false);
    expect(reuse.mayPipeline).toBe(false);

    clock.advance(1);
    expect(reuse.mayCarry({ answers: 1, answeredAt: clock.now() })).toBe(true);
    expect(reuse.mayPipeline).toBe(true);
  });
});
