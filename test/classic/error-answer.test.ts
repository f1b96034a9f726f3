import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { formatErrorAnswer, parseErrorAnswer, readErrorAnswer } from '../../src/classic/error-answer.js';
import { XTCP_ERROR_CODES, XtcpError } from '../../src/errors/xtcp-error.js';
import { readFrame } from '../wire/decode.js';

const TRACEBACK = [
  'Traceback (most recent call last):',
  '  File "/srv/server.py", line 12, in _handle',
  '    response = method(params)',
  'ValueError: no such thing: 7',
];

/** What the caller makes of an answer with these octets. */
function read(octets: string | Buffer): XtcpError | undefined {
  const field = Buffer.from(octets as string);
  const frame = Buffer.concat([Buffer.from(`${field.length}\r\n`), field, Buffer.from('\r\n\r\n')]);
  return readFrame(frame, readErrorAnswer);
}

describe('the answer that says an error', () => {
  test('is a line with the code and the message', () => {
    expect(formatErrorAnswer(new XtcpError('UNIMPLEMENTED', 'no such method'))).toBe(
      'XTCP Server: UNIMPLEMENTED: no such method',
    );
  });

  test('says what xtcp 0.2 said where the request was none', () => {
    expect(formatErrorAnswer(new XtcpError('PROTOCOL_ERROR', 'expected a digit, at byte 0'))).toBe(
      'XTCP Server: Malformed Client Request: expected a digit, at byte 0',
    );
  });

  test('has the details of an APPLICATION error as JSON, and not its message', () => {
    const details = { status: 'error', message: 'größer\r\nals "eins"' };

    expect(formatErrorAnswer(new XtcpError('APPLICATION', 'not told', { details }))).toBe(
      String.raw`XTCP Server: APPLICATION: {"status":"error","message":"größer\r\nals \"eins\""}`,
    );
  });

  test('exists for an APPLICATION error without details, too', () => {
    expect(formatErrorAnswer(new XtcpError('APPLICATION', 'not told'))).toBe('XTCP Server: APPLICATION: null');
  });

  test('is one line, whatever the message has', () => {
    expect(formatErrorAnswer(new XtcpError('INTERNAL', 'one\r\n\r\ntwo\nthree\rfour'))).toBe(
      'XTCP Server: INTERNAL: one two three four',
    );
  });

  test('tells neither the cause nor the details of other errors', () => {
    const error = new XtcpError('INTERNAL', 'failed', { cause: new Error('password'), details: 'secret' });

    expect(formatErrorAnswer(error)).toBe('XTCP Server: INTERNAL: failed');
  });
});

describe('an answer that says an error is read as that error', () => {
  const plain = XTCP_ERROR_CODES.filter((code) => code !== 'APPLICATION');

  test.each(plain)('%s', (code) => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const message = text.replaceAll(/[\r\n]+/g, ' ');

        expect(read(formatErrorAnswer(new XtcpError(code, text)))).toMatchObject({ code, message, details: undefined });
      }),
    );
  });

  test('APPLICATION, with its details', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const details: unknown = JSON.parse(json);
        const error = read(formatErrorAnswer(new XtcpError('APPLICATION', 'x', { details })));

        expect(error?.code).toBe('APPLICATION');
        expect(JSON.stringify(error?.details)).toBe(JSON.stringify(details));
      }),
    );
  });

  test('APPLICATION of another hand, whose details are no JSON, has them as text', () => {
    expect(parseErrorAnswer('XTCP Server: APPLICATION: no JSON')).toMatchObject({
      code: 'APPLICATION',
      details: 'no JSON',
    });
  });
});

describe('a Python traceback', () => {
  test('is an error: its last line the message, the lines above the details', () => {
    const error = read(TRACEBACK.join('\n') + '\n');

    expect(error).toBeInstanceOf(XtcpError);
    expect(error).toMatchObject({
      code: 'INTERNAL',
      message: 'ValueError: no such thing: 7',
      details: TRACEBACK.slice(0, 3).join('\n'),
      executed: undefined,
    });
  });

  test('may lack the line break at its end', () => {
    expect(read(TRACEBACK.join('\n'))?.message).toBe('ValueError: no such thing: 7');
  });

  test('may be nothing but its first line', () => {
    expect(read(TRACEBACK[0] ?? '')).toMatchObject({ code: 'INTERNAL', message: TRACEBACK[0], details: '' });
  });

  test('is an error even where Python put octets into it that are not UTF-8', () => {
    const error = read(
      Buffer.concat([Buffer.from(TRACEBACK.slice(0, 3).join('\n') + '\nError: '), Buffer.from([0xc4])]),
    );

    expect(error).toMatchObject({ code: 'INTERNAL', details: TRACEBACK.slice(0, 3).join('\n') });
    expect(error?.message).toMatch(/^Error: /);
  });
});

describe('any other answer is a result', () => {
  test.each([
    '',
    'XIAOXIAO',
    'XTCP Server',
    'XTCP Server: ',
    'XTCP Server: hello',
    'XTCP Server: hello: there',
    'XTCP Server: INTERNAL',
    'XTCP Server: internal: failed',
    'xtcp server: INTERNAL: failed',
    ' XTCP Server: INTERNAL: failed',
    'Traceback (most recent call last)',
    ' Traceback (most recent call last):',
    'he said: XTCP Server: INTERNAL: failed',
  ])('%j', (text) => {
    expect(read(text)).toBeUndefined();
    expect(parseErrorAnswer(text)).toBeUndefined();
  });

  test('octets that are no text', () => {
    expect(read(Buffer.from([0xff, 0xfe, 0x00]))).toBeUndefined();
  });

  test('octets that are no text and begin like an error', () => {
    expect(read(Buffer.concat([Buffer.from('XTCP Server: '), Buffer.from([0xff, 0xfe])]))).toBeUndefined();
  });
});
