import { describe, expect, it } from 'vitest';

import { costOf, IncomingCredit, OutgoingCredit } from '../../src/session/credit.js';
import { codeOf } from './session-play.js';

const { MAX_SAFE_INTEGER } = Number;

it('an item costs its payload and 32 bytes', () => {
  expect([costOf(0), costOf(1), costOf(1000)]).toEqual([32, 33, 1032]);
});

describe('the credit for what is sent', () => {
  it('is there while it is above zero, and one item may overdraw it', () => {
    const credit = new OutgoingCredit(33);
    credit.spend(0);
    expect(credit.ready).toBe(true);
    credit.spend(1_000_000);
    expect(credit.ready).toBe(false);
  });

  it('of just zero is none', () => {
    const credit = new OutgoingCredit(32);
    credit.spend(0);
    expect(credit.ready).toBe(false);
    credit.grant(1);
    expect(credit.ready).toBe(true);
  });

  it('that was overdrawn is back only once a grant brings it above zero', () => {
    const credit = new OutgoingCredit(1);
    credit.spend(68);
    credit.grant(98);
    expect(credit.ready).toBe(false);
    credit.grant(1);
    expect(credit.ready).toBe(false);
    credit.grant(1);
    expect(credit.ready).toBe(true);
  });

  it('may grow to 2^53-1 and no further', () => {
    const credit = new OutgoingCredit(1);
    credit.grant(MAX_SAFE_INTEGER - 1);
    expect(codeOf(() => credit.grant(1))).toBe('PROTOCOL_ERROR');
    credit.spend(0);
    credit.grant(32);
    expect(codeOf(() => credit.grant(MAX_SAFE_INTEGER))).toBe('PROTOCOL_ERROR');
  });

  it('lets who asks go on at once where there is some', () => {
    const ran: string[] = [];
    new OutgoingCredit(1).whenReady(() => ran.push('a'));
    expect(ran).toEqual(['a']);
  });

  it('lets who asks wait for the grant that brings it, and once', () => {
    const ran: string[] = [];
    const credit = new OutgoingCredit(1);
    credit.spend(0);
    credit.whenReady(() => ran.push('a'));
    credit.grant(31);
    expect(ran).toEqual([]);
    credit.grant(1);
    credit.grant(100);
    expect(ran).toEqual(['a']);
  });

  it('lets everybody go on who waits for it, in order', () => {
    const ran: string[] = [];
    const credit = new OutgoingCredit(0);
    credit.whenReady(() => ran.push('a'));
    credit.whenReady(() => ran.push('b'));
    credit.grant(1);
    expect(ran).toEqual(['a', 'b']);
  });

  it('keeps those waiting for whom none is left', () => {
    const ran: string[] = [];
    const credit = new OutgoingCredit(0);
    credit.whenReady(() => {
      ran.push('a');
      credit.spend(100);
    });
    credit.whenReady(() => ran.push('b'));
    credit.grant(1);
    expect(ran).toEqual(['a']);
    credit.grant(132);
    expect(ran).toEqual(['a', 'b']);
  });

  it('may be waited for again by what it lets go on', () => {
    const credit = new OutgoingCredit(0);
    let times = 0;
    const spend = (): void => {
      times++;
      credit.spend(0);
      credit.whenReady(spend);
    };
    credit.whenReady(spend);
    for (let grant = 0; grant < 3; grant++) credit.grant(32);
    expect(times).toBe(3);
  });
});

describe('the credit for what arrives', () => {
  const given: number[] = [];
  const of = (window: number): IncomingCredit => {
    given.length = 0;
    return new IncomingCredit(window, (bytes) => given.push(bytes));
  };

  it('is the window at first, and one item may overdraw it', () => {
    const credit = of(64);
    credit.arrived(0);
    credit.arrived(1_000_000);
    expect(codeOf(() => credit.arrived(0))).toBe('PROTOCOL_ERROR');
  });

  it('of just zero is none', () => {
    const credit = of(64);
    credit.arrived(32);
    expect(codeOf(() => credit.arrived(0))).toBe('PROTOCOL_ERROR');
  });

  it('is given back when what was taken has reached half a window, and not before', () => {
    const credit = of(200);
    credit.arrived(67);
    credit.arrived(0);
    credit.taken();
    expect(given).toEqual([]);
    credit.taken();
    expect(given).toEqual([131]);
    const half = of(200);
    half.arrived(68);
    half.taken();
    expect(given).toEqual([100]);
  });

  it('is given back as much as was taken, so that it never runs dry for a reader that keeps up', () => {
    const credit = of(100);
    for (let item = 0; item < 1000; item++) {
      credit.arrived(item % 300);
      credit.taken();
    }
    let taken = 0;
    for (let item = 0; item < 1000; item++) taken += costOf(item % 300);
    const back = given.reduce((sum, bytes) => sum + bytes, 0);
    expect(taken - back).toBeLessThan(50);
    expect(given.every((bytes) => bytes >= 50)).toBe(true);
  });

  it('can be used again once it was given back', () => {
    const credit = of(64);
    credit.arrived(1000);
    expect(codeOf(() => credit.arrived(0))).toBe('PROTOCOL_ERROR');
    credit.taken();
    expect(given).toEqual([1032]);
    credit.arrived(0);
    credit.arrived(0);
    expect(codeOf(() => credit.arrived(0))).toBe('PROTOCOL_ERROR');
  });
});
