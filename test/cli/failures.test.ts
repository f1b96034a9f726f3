import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { certificates } from '../support/certificates.js';
import { rawServer } from '../support/raw.js';
import { startCliService } from './service.js';
import { temporaryFile, temporaryFolder } from './temporary.js';
import { exited, xtcp, xtcpReading } from './xtcp.js';

/** A port at which nothing listens. */
const NOBODY = '127.0.0.1:1';

describe('xtcp tells in one line, and by its exit code,', () => {
  it('that nothing listens, at once', async () => {
    const refused = 'xtcp: UNAVAILABLE: nothing listens there (ECONNREFUSED)';
    expect(await xtcp(['call', NOBODY, 'toupper', 'a'])).toEqual(
      exited(3, '', `${refused} (calling "toupper" at ${NOBODY})\n`),
    );
    expect(await xtcp(['emit', NOBODY, 'note', 'a'])).toEqual(
      exited(3, '', `${refused} (calling "note" at ${NOBODY})\n`),
    );
    expect(await xtcp(['ping', NOBODY])).toEqual(exited(3, '', `${refused} (at ${NOBODY})\n`));
    expect(await xtcp(['bench', NOBODY, 'toupper'])).toEqual(exited(3, '', `${refused} (at ${NOBODY})\n`));
    expect(await xtcp(['list', NOBODY])).toEqual(exited(3, '', `${refused} (calling "xtcp.patterns" at ${NOBODY})\n`));
    expect(await xtcp(['health', NOBODY])).toEqual(exited(3, '', `${refused} (calling "xtcp.health" at ${NOBODY})\n`));
  });

  it('that there is no such socket file', async () => {
    expect(await xtcp(['call', 'unix:/nonexistent/sock', 'a'])).toEqual(
      exited(
        3,
        '',
        'xtcp: UNAVAILABLE: there is no such socket file (ENOENT) (calling "a" at unix:/nonexistent/sock)\n',
      ),
    );
  });

  it('that a server takes connections and says nothing', async () => {
    const { port } = await rawServer(() => {});
    const exit = await xtcp(['call', `:${port}`, 'a', '--connect-timeout', '100ms']);
    const line = `no answer to the hello within 100 ms (--connect-timeout) (calling "a" at 127.0.0.1:${port})`;
    expect(exit).toEqual(exited(3, '', `xtcp: UNAVAILABLE: ${line}\n`));
  });

  it('what a handler failed with', async () => {
    const { target } = await startCliService();
    const where = (pattern: string): string => `(calling "${pattern}" at ${target})\n`;
    expect(await xtcp(['call', target, 'broken'])).toEqual(
      exited(1, '', `xtcp: APPLICATION: {"status":"error","message":"Internal server error"} ${where('broken')}`),
    );
    expect(await xtcp(['call', target, 'refuse'])).toEqual(
      exited(1, '', `xtcp: APPLICATION: {"reason":"too\\nmuch","limit":3} ${where('refuse')}`),
    );
    expect(await xtcp(['call', target, 'forbid'])).toEqual(
      exited(5, '', `xtcp: PERMISSION_DENIED: not for you ${where('forbid')}`),
    );
    expect((await xtcp(['call', target, 'nobody'])).code).toBe(6);
  });

  it('that the time was up, and the server hears of it', async () => {
    const { target, seen } = await startCliService();
    expect(await xtcp(['call', target, 'hang', '--timeout', '50ms'])).toMatchObject({
      code: 4,
      stdout: '',
      stderr: expect.stringMatching(/^xtcp: DEADLINE_EXCEEDED: [^\n]* \(calling "hang" at [^\n]*\)\n$/) as string,
    });
    await seen.until(() => seen.cancelled === 1);
  });

  it.each([
    [['call', '8001', 'a'], /^xtcp: INVALID_ARGUMENT: the target "8001" has only a number for its host \(:8001 is/],
    [['call', 'http://a', 'a'], /^xtcp: INVALID_ARGUMENT: the target "http:\/\/a" is a URL; a target is host:port/],
    [['call', 'a:99999', 'a'], /^xtcp: INVALID_ARGUMENT: the target "a:99999" has a port that is not from 1 to 65535/],
    [['call', ':1', 'a', '--json', '{a'], /^xtcp: INVALID_ARGUMENT: --json is not JSON: /],
    [['call', ':1', 'a', '--json'], /^xtcp: INVALID_ARGUMENT: --json has no value, and there is no other data\n/],
    [
      ['call', ':1', 'a', 'b', '--file', 'c'],
      /^xtcp: INVALID_ARGUMENT: the data is given twice: as an argument and as/,
    ],
    [['call', ':1', 'a', '--file', '/nonexistent'], /^xtcp: INVALID_ARGUMENT: --file \/nonexistent: there is no such/],
    [['call', ':1', 'a', '--file', '/'], /^xtcp: INVALID_ARGUMENT: --file \/: it is a folder\n/],
    [
      ['call', ':1', 'a', '--meta', 'b'],
      /^xtcp: INVALID_ARGUMENT: option '--meta <key=value>' argument 'b' is invalid/,
    ],
    [['call', ':1', 'a', '--timeout', '5'], /A time is a number with ms, s, m or h: 500ms, 2s, 1m\.\n$/],
    [
      ['call', ':1', 'a', '-x'],
      /^xtcp: INVALID_ARGUMENT: unknown option '-x'; put -- before data that begins with -\n/,
    ],
    [['call', ':1', 'a', 'b', 'c'], /^xtcp: INVALID_ARGUMENT: too many arguments for 'call'\. Expected 3/],
    [['call', ':1'], /^xtcp: INVALID_ARGUMENT: missing required argument 'pattern'\n/],
    [['cal'], /^xtcp: INVALID_ARGUMENT: unknown command 'cal' \(Did you mean call\?\)\n/],
    [['emit', ':1', 'a', '--ack', 'soon'], /Allowed choices are none, received, handled\.\n/],
    [['call', ':1', 'a', '--classic', '--auth', 'x'], /option '--classic' cannot be used with option '--auth <token>'/],
    [['bench', ':1', 'a', '-n', '5', '-d', '5s'], /cannot be used with option '-d, --duration <time>'\n/],
    [['bench', ':1', 'a', '-c', '0'], /It takes a whole number from 1 to 1000000\.\n/],
    [['bench', ':1', 'a', '--json-data'], /^xtcp: INVALID_ARGUMENT: --json-data has no value/],
    [['ping', ':1', '-i', '1ms'], /The least is 2ms\.\n/],
  ])('that %j is not right, and sends nothing', async (args, line) => {
    const { code, stdout, stderr } = await xtcp(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(line);
    expect(stderr).toMatch(/^[^\n]+\n$/);
  });

  it('that a line of the input is no JSON', async () => {
    const { target } = await startCliService();
    const exit = await xtcpReading('1\n{\n', ['call', target, 'join', '--stream-in', '--json']);
    expect(exit).toMatchObject({ code: 2, stdout: '' });
    expect(exit.stderr).toMatch(/^xtcp: INVALID_ARGUMENT: line 2 of stdin is not JSON: [^\n]*\n$/);
  });

  it('that a file is no JSON', async () => {
    const exit = await xtcp(['call', NOBODY, 'describe', '--json', '--file', temporaryFile('<')]);
    expect(exit).toMatchObject({ code: 2, stdout: '' });
    expect(exit.stderr).toMatch(/^xtcp: INVALID_ARGUMENT: [^\n]*\/data is not JSON: [^\n]*\n$/);
  });

  it('that stdin is not UTF-8', async () => {
    const exit = await xtcpReading(Buffer.from([0xff, 0xfe]), ['call', NOBODY, 'a', '-']);
    const advice = '--file - sends the bytes as they are';
    expect(exit).toEqual(exited(2, '', `xtcp: INVALID_ARGUMENT: stdin is not UTF-8; ${advice}\n`));
  });
});

async function files(): Promise<Record<'ca' | 'otherCa' | 'cert' | 'key' | 'otherKey' | 'broken', string>> {
  const made = await certificates();
  const folder = temporaryFolder();
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  return {
    ca: write('ca.pem', made.ca),
    otherCa: write('other.pem', made.otherCa),
    cert: write('client.pem', made.client.cert),
    key: write('client.key', made.client.key),
    otherKey: write('other.key', made.newClient.key),
    broken: write('broken.pem', '-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n'),
  };
}

/** What it says of flags that are wrong. */
async function complaintOf(...args: string[]): Promise<string> {
  const { code, stderr } = await xtcp(['call', NOBODY, 'a', ...args]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^[^\n]+\n$/);
  return stderr.replace('xtcp: INVALID_ARGUMENT: ', '').trimEnd();
}

describe('with TLS, xtcp', () => {
  it('calls a server whose authority it was given, or whose certificate it need not trust', async () => {
    const { server } = await certificates();
    const { ca } = await files();
    const { target } = await startCliService({ tlsOptions: server });
    expect(await xtcp(['call', target, 'toupper', 'a', '--ca', ca])).toEqual(exited(0, 'A\n'));
    expect(await xtcp(['call', target, 'toupper', 'a', '--insecure'])).toEqual(exited(0, 'A\n'));
  });

  it('shows its own certificate', async () => {
    const made = await certificates();
    const { ca, cert, key } = await files();
    const tlsOptions = { ...made.server, ca: made.ca, requestCert: true };
    const { target } = await startCliService({ tlsOptions });
    const args = ['call', target, 'toupper', 'a', '--ca', ca];
    expect(await xtcp([...args, '--cert', cert, '--key', key])).toEqual(exited(0, 'A\n'));
    const { code, stderr } = await xtcp(args);
    expect(code).toBe(5);
    expect(stderr).toMatch(
      /^xtcp: UNAUTHENTICATED: the server wants a client certificate; give --cert and --key [^\n]*\n$/,
    );
  });

  it('says whose certificate was refused, and why', async () => {
    const { server, elsewhere } = await certificates();
    const { ca, otherCa } = await files();
    const { target } = await startCliService({ tlsOptions: server });
    const where = `(calling "a" at ${target})`;
    const untrusted = await xtcp(['call', target, 'a', '--ca', otherCa]);
    expect(untrusted.code).toBe(5);
    expect(untrusted.stderr).toMatch(
      /^xtcp: UNAUTHENTICATED: the server's certificate is not trusted \(\w+\) \(calling "a" at [^\n]*\); --ca names whom to trust\n$/,
    );
    const other = await startCliService({ tlsOptions: elsewhere });
    expect((await xtcp(['call', other.target, 'a', '--ca', ca])).stderr).toMatch(/; --servername gives the name/);
    expect(
      (await xtcp(['call', other.target, 'toupper', 'a', '--ca', ca, '--servername', 'elsewhere.example'])).code,
    ).toBe(0);
    expect(await xtcp(['call', target, 'a'])).toEqual(
      exited(1, '', `xtcp: PROTOCOL_ERROR: the server speaks TLS; give --tls ${where}\n`),
    );
  });

  it('says that the server does not speak it', async () => {
    const { target } = await startCliService();
    const { code, stderr } = await xtcp(['call', target, 'a', '--tls']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^xtcp: PROTOCOL_ERROR: the server does not speak TLS; leave out --tls, or call the port/);
  });

  it('says which file is missing, broken or without the other', async () => {
    const { cert, key, otherKey, broken } = await files();
    expect(await complaintOf('--ca', '/nonexistent')).toBe('--ca /nonexistent: there is no such file');
    expect(await complaintOf('--cert', cert)).toBe('--cert is without --key');
    expect(await complaintOf('--key', key)).toBe('--key is without --cert');
    expect(await complaintOf('--ca', broken)).toMatch(new RegExp(`^--ca ${broken}: \\w`));
    expect(await complaintOf('--cert', broken, '--key', key)).toMatch(new RegExp(`^--cert ${broken}: \\w`));
    expect(await complaintOf('--cert', cert, '--key', otherKey)).toMatch(
      new RegExp(`^--cert ${cert} and --key ${otherKey}: key values mismatch`),
    );
  });
});
