import { describe, expect, it } from 'vitest';

import { XTCP_ERROR_CODES, XtcpError, type XtcpErrorContext } from '../../src/errors/xtcp-error.js';
import { decodeError, encodeError, readError } from '../../src/wire/error-field.js';
import { arrived } from './session-play.js';

const PLENTY = 65_504;

const sent = (message: string, context: XtcpErrorContext = {}, maxBytes = PLENTY): XtcpError =>
  decodeError(encodeError(new XtcpError('APPLICATION', message, context), maxBytes));

describe('an error', () => {
  it('arrives with its code, message and details', () => {
    for (const code of XTCP_ERROR_CODES) {
      const { name, message, details, executed } = decodeError(
        encodeError(new XtcpError(code, 'what\r\nhappened', { details: { a: [1] } }), PLENTY),
      );
      expect([name, message, details, executed]).toEqual(['XtcpError', 'what\r\nhappened', { a: [1] }, undefined]);
    }
  });

  it('arrives with falsy details as they were', () => {
    for (const details of [null, 0, '', false]) expect(sent('m', { details }).details).toBe(details);
    expect(sent('m').details).toBeUndefined();
  });

  it('says that nothing was executed only where that is so', () => {
    expect(sent('m', { executed: false }).executed).toBe(false);
    expect(encodeError(new XtcpError('INTERNAL', 'm'), PLENTY)).toBe('{"code":"INTERNAL","message":"m"}');
    expect(decodeError('{"code":"INTERNAL","message":"m","executed":true}').executed).toBeUndefined();
    expect(decodeError('{"code":"INTERNAL","message":"m","executed":0}').executed).toBeUndefined();
  });

  it('tells nobody its cause, its endpoint or its pattern', () => {
    const error = new XtcpError('INTERNAL', 'm', { cause: new Error('secret'), endpoint: 'e:1', pattern: 'p' });
    expect(encodeError(error, PLENTY)).toBe('{"code":"INTERNAL","message":"m"}');
  });

  it('keeps details that just fit, and sheds those that are a byte too large', () => {
    const context = { details: '\u00e4'.repeat(100), executed: false } as const;
    const whole = encodeError(new XtcpError('APPLICATION', 'm', context), PLENTY);
    const bytes = Buffer.byteLength(whole);
    expect(sent('m', context, bytes).details).toBe(context.details);
    expect(sent('m', context, bytes - 1)).toMatchObject({ details: undefined, message: 'm', executed: false });
  });

  it('sheds details that are no JSON', () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    for (const details of [1n, cycle, () => 1, Symbol('s')]) {
      expect(sent('m', { details, executed: false })).toMatchObject({
        code: 'APPLICATION',
        details: undefined,
        message: 'm',
        executed: false,
      });
    }
  });

  it('has a message that is too long cut, and what is left fits', () => {
    // Six bytes for each unit is the most that JSON needs.
    const field = encodeError(new XtcpError('INTERNAL', '\u0001'.repeat(PLENTY), { executed: false }), PLENTY);
    expect(Buffer.byteLength(field)).toBeLessThanOrEqual(PLENTY);
    expect(decodeError(field)).toMatchObject({ code: 'INTERNAL', message: '\u0001'.repeat(1000), executed: false });
  });

  it('whose message is cut inside of a surrogate pair is still UTF-8', () => {
    const field = encodeError(new XtcpError('INTERNAL', `a${'\u{1F600}'.repeat(PLENTY)}`), PLENTY);
    expect(field.isWellFormed()).toBe(true);
    expect(Buffer.byteLength(field)).toBeLessThanOrEqual(PLENTY);
  });

  it('of a code that is not known here is INTERNAL', () => {
    for (const code of ['OVERSLEPT', 'toString', 7, null, undefined]) {
      expect(decodeError(JSON.stringify({ code, message: 'm', details: 1 }))).toMatchObject({
        code: 'INTERNAL',
        message: 'm',
        details: 1,
      });
    }
  });

  it.each(['{', '', 'null', '1', '"UNAVAILABLE"', '[]'])('that cannot be read is INTERNAL: %s', (field) => {
    expect(decodeError(field).code).toBe('INTERNAL');
  });

  it('that is not UTF-8 is INTERNAL', () => {
    expect(readError(arrived('E1', Buffer.from([0xff])), 1).code).toBe('INTERNAL');
    expect(readError(arrived('E1', '{"code":"UNAVAILABLE"}'), 1).code).toBe('UNAVAILABLE');
  });

  it('without a message of text says so', () => {
    for (const field of ['{"code":"INTERNAL"}', '{"code":"INTERNAL","message":1}', '{}']) {
      expect(decodeError(field)).toMatchObject({
        code: 'INTERNAL',
        message: 'the other side gave no message',
      });
    }
  });
});
