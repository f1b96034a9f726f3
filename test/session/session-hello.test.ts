import { describe, expect, it } from 'vitest';

import { XtcpError } from '../../src/errors/xtcp-error.js';
import { helloFields, isHello, LEAST, readHello, refusalFields, termsOf, type Hello } from '../../src/session/hello.js';
import { arrived, codeOf, thrownBy } from './session-play.js';

const read = (json: string | Buffer, version = '1'): Hello => readHello(arrived('xtcp', version, json), 'server');
const readMembers = (members: object): Hello => read(JSON.stringify(members));

describe('a first frame', () => {
  it('of three fields or more that begins with xtcp opens a session', () => {
    expect(isHello(arrived('xtcp', '1', '{}'))).toBe(true);
    expect(isHello(arrived('xtcp', '1', '{}', 'later'))).toBe(true);
    // Well or badly: what is wrong with it is said in the protocol that it asked for.
    expect(isHello(arrived('xtcp', '', ''))).toBe(true);
  });

  it('of anything else does not', () => {
    expect(isHello(arrived('xtcp', '1'))).toBe(false);
    expect(isHello(arrived('xtcp'))).toBe(false);
    for (const name of ['xtcp2', 'xtc', 'XTCP', '', ' xtcp']) expect(isHello(arrived(name, '1', '{}'))).toBe(false);
  });
});

describe('the terms of a hello', () => {
  const hello: Hello = {
    maxFrame: 100_000,
    window: 200_000,
    maxCalls: 300,
    codecs: ['m'],
    name: 'one',
    auth: 'secret',
  };
  const { name: _name, auth: _auth, ...terms } = hello;

  it('are what counts for the session, and not who the client is', () => {
    expect(termsOf(hello)).toEqual(terms);
  });

  it('are kept once for those that say the same', () => {
    expect(termsOf({ ...hello, codecs: ['m'], name: 'two', auth: undefined })).toBe(termsOf(hello));
  });

  it.each([{ maxFrame: 100_001 }, { window: 200_001 }, { maxCalls: 301 }, { codecs: [] }, { codecs: ['n'] }])(
    'are others where it says %o',
    (said) => {
      termsOf(hello);
      expect(termsOf({ ...hello, ...said })).toEqual({ ...terms, ...said });
      expect(termsOf(hello)).toEqual(terms);
    },
  );
});

describe('a hello', () => {
  const hello: Hello = { maxFrame: 100_000, window: 200_000, maxCalls: 300, codecs: ['m'] };

  it('arrives as it was said', () => {
    expect(readHello(arrived(...helloFields(hello)), 'client')).toEqual(hello);
  });

  it('says the version, and no raw CR or LF', () => {
    const [name, version, json] = helloFields(hello);
    expect([name, version]).toEqual(['xtcp', '1']);
    expect(json).not.toMatch(/[\r\n]/);
  });

  it('that says nothing of a member means the least of it', () => {
    expect(read('{}')).toEqual({ maxFrame: 65_536, window: 65_536, maxCalls: 100, codecs: [] });
  });

  it.each(['maxFrame', 'window', 'maxCalls'] as const)('may say the least of %s and more, and not less', (name) => {
    for (const value of [LEAST[name], LEAST[name] + 1, Number.MAX_SAFE_INTEGER]) {
      expect(readMembers({ [name]: value })[name]).toBe(value);
    }
    for (const value of [LEAST[name] - 1, 0, -1, LEAST[name] + 0.5, 2 ** 53, null, true, String(LEAST[name]), []]) {
      expect(codeOf(() => readMembers({ [name]: value }))).toBe('PROTOCOL_ERROR');
    }
  });

  it('may list any codecs, by text', () => {
    expect(readMembers({ codecs: ['m', 'z', 'later'] }).codecs).toEqual(['m', 'z', 'later']);
    for (const codecs of [null, 'm', {}, [1], ['m', null]]) {
      expect(codeOf(() => readMembers({ codecs }))).toBe('PROTOCOL_ERROR');
    }
  });

  it.each(['name', 'auth'])('may have a %s, a text', (name) => {
    expect(readMembers({ [name]: 'who' })).toEqual({ ...read('{}'), [name]: 'who' });
    for (const value of [1, null, {}, ['who']]) {
      expect(codeOf(() => readMembers({ [name]: value }))).toBe('PROTOCOL_ERROR');
    }
  });

  it('with members that are not known is read without them', () => {
    expect(read('{"later":{"a":1},"__proto__":{"maxCalls":1},"maxCalls":500}')).toEqual({
      ...LEAST,
      codecs: [],
      maxCalls: 500,
    });
  });

  it('of any version above 0 is read from a client; from a server, one above ours was never asked for', () => {
    for (const version of ['1', '2', '10', '9999999999']) {
      expect(readHello(arrived('xtcp', version, '{}'), 'client')).toEqual(read('{}'));
    }
    expect(codeOf(() => read('{}', '2'))).toBe('PROTOCOL_ERROR');
    for (const version of ['', '0', '01', '-1', '1.5', '1 ', 'one', '10000000000', '+1']) {
      expect(codeOf(() => read('{}', version))).toBe('PROTOCOL_ERROR');
    }
  });

  it.each(['{"a":\n1}', '{\r}', '[]', '1', 'null', '"{}"'])('of %j is a protocol error', (json) => {
    expect(codeOf(() => read(json))).toBe('PROTOCOL_ERROR');
  });

  it.each([
    ['is no JSON', '{'],
    ['is empty', ''],
    ['is not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ])('that %s is a protocol error', (_what, json) => {
    expect(codeOf(() => read(json))).toBe('PROTOCOL_ERROR');
  });

  it('that cannot be read promises that nothing was executed', () => {
    for (const json of ['{', '[]', '{"maxCalls":1}', '{"codecs":1}']) {
      expect(thrownBy(() => read(json))).toMatchObject({ code: 'PROTOCOL_ERROR', executed: false });
    }
  });
});

/** Bytes of the refusal with details of so many units. */
function bytesOfRefusal(units: number): number {
  const fields = refusalFields(new XtcpError('INTERNAL', 'm', { details: 'd'.repeat(units) }));
  return fields.reduce((sum, field) => sum + Buffer.byteLength(field), 0);
}

describe('a refused hello', () => {
  it('arrives as the error that it is, and promises that nothing was executed', () => {
    expect(
      thrownBy(() =>
        readHello(
          arrived(...refusalFields(new XtcpError('UNAUTHENTICATED', 'who are you', { details: { realm: 'a' } }))),
          'server',
        ),
      ),
    ).toMatchObject({
      code: 'UNAUTHENTICATED',
      message: 'who are you',
      details: { realm: 'a' },
      executed: false,
    });
  });

  it('is small enough for a peer that has said nothing of itself, whatever the error', () => {
    const frame = '{"code":"INTERNAL","message":"m","details":""}'.length;
    for (let spare = 0; spare <= 40; spare++) {
      expect(bytesOfRefusal(LEAST.maxFrame - frame - spare)).toBeLessThanOrEqual(LEAST.maxFrame);
    }
  });

  it('with an error that is nested as deep as it likes promises that nothing was executed', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    for (const error of [
      `{"code":"UNAUTHENTICATED","message":"who are you","details":${deep}}`,
      `{"code":"UNAUTHENTICATED","message":${deep}}`,
      deep,
    ]) {
      const failure = thrownBy(() => read(`{"error":${error}}`));
      expect(failure).toBeInstanceOf(XtcpError);
      expect((failure as XtcpError).executed).toBe(false);
    }
  });

  it('with an error that cannot be read is an error still', () => {
    for (const error of ['null', '1', '"no"', '[]', '{}']) {
      expect(() => read(`{"error":${error}}`)).toThrow(XtcpError);
      expect(['PROTOCOL_ERROR', 'INTERNAL']).toContain(codeOf(() => read(`{"error":${error}}`)));
    }
  });
});
