import { describe, expect, it } from 'vitest';

import { Retries, type Attempts, type RetryLimits } from '../../src/call/retries.js';
import { XTCP_ERROR_CODES, XtcpError, type XtcpErrorCode } from '../../src/errors/xtcp-error.js';
import { FakeClock } from '../support/fake-clock.js';

/** A call that is made for the first time. */
function begin(retries: Retries): Attempts {
  retries.countCall();
  return retries.attempts();
}

function retrying(given: Partial<RetryLimits> = {}): { retries: Retries; clock: FakeClock } {
  const clock = new FakeClock();
  return { clock, retries: new Retries({ retries: 4, retryShare: 0, ...given }, clock) };
}

const failure = (code: XtcpErrorCode, executed?: false): XtcpError => new XtcpError(code, 'm', { executed });
const SAFE = failure('UNAVAILABLE', false);

/** How many of `count` calls are made again, each failing once. */
function madeAgain(retries: Retries, count: number): number {
  let made = 0;
  for (let call = 0; call < count; call++) if (begin(retries).again(SAFE, false) !== undefined) made++;
  return made;
}

describe('a call is made again', () => {
  it.each(['UNAVAILABLE', 'RESOURCE_EXHAUSTED'] as const)('behind %s where it certainly did not run', (code) => {
    for (const isIdempotent of [true, false]) {
      expect(begin(retrying().retries).again(failure(code, false), isIdempotent)).toBeGreaterThan(0);
    }
  });

  it('behind UNAVAILABLE where it may have run, only if that does no harm', () => {
    expect(begin(retrying().retries).again(failure('UNAVAILABLE'), true)).toBeGreaterThan(0);
    expect(begin(retrying().retries).again(failure('UNAVAILABLE'), false)).toBeUndefined();
  });

  it('behind RESOURCE_EXHAUSTED where it may have run never', () => {
    expect(begin(retrying().retries).again(failure('RESOURCE_EXHAUSTED'), true)).toBeUndefined();
  });

  it.each(XTCP_ERROR_CODES.filter((code) => code !== 'UNAVAILABLE' && code !== 'RESOURCE_EXHAUSTED'))(
    'behind %s never',
    (code) => {
      const { retries } = retrying();
      for (const executed of [false, undefined] as const) {
        for (const isIdempotent of [true, false]) {
          expect(begin(retries).again(failure(code, executed), isIdempotent)).toBeUndefined();
        }
      }
    },
  );

  it('as often as it may, behind waits whose bounds double up to a second', () => {
    const attempts = begin(retrying({ retries: 9 }).retries);
    for (const bound of [25, 50, 100, 200, 400, 800, 1000, 1000, 1000]) {
      const wait = attempts.again(SAFE, false);
      expect(wait).toBeGreaterThanOrEqual(1);
      expect(wait).toBeLessThanOrEqual(bound);
    }
    expect(attempts.again(SAFE, false)).toBeUndefined();
  });

  it('never where it may not', () => {
    expect(begin(retrying({ retries: 0 }).retries).again(SAFE, true)).toBeUndefined();
  });
});

describe('of all calls', () => {
  it('a hundred may be made again in ten seconds, however few there are', () => {
    const { retries, clock } = retrying();
    expect(madeAgain(retries, 150)).toBe(100);
    clock.advance(9999);
    expect(madeAgain(retries, 150)).toBe(0);
    clock.advance(1);
    expect(madeAgain(retries, 150)).toBe(100);
  });

  it('a share may be made again beside those', () => {
    const { retries } = retrying({ retryShare: 0.2 });
    for (let call = 0; call < 900; call++) retries.countCall();
    expect(madeAgain(retries, 100)).toBe(100);
    expect(madeAgain(retries, 1000)).toBe(400);
  });

  it('those of a longer time count by their rate', () => {
    const { retries, clock } = retrying({ retryShare: 1 });
    for (let call = 0; call < 900; call++) retries.countCall();
    clock.advance(100_000);
    // 900 and one in 100 s are about 90 in 10 s; each of those that are made again counts, too.
    const attempts = Array.from({ length: 400 }, () => begin(retries));
    clock.advance(100_000);
    const made = attempts.filter((attempt) => attempt.again(SAFE, false) !== undefined);
    expect(made).toHaveLength(100 + 65);
  });

  it('those that are not to be made again, or no more, take nothing from the others', () => {
    const { retries } = retrying({ retries: 1 });
    const attempts = begin(retries);
    attempts.again(SAFE, false);
    for (let count = 0; count < 1000; count++) {
      attempts.again(SAFE, false);
      begin(retries).again(failure('INTERNAL', false), true);
    }
    expect(madeAgain(retries, 150)).toBe(99);
  });
});
