import { describe, expect, it } from 'vitest';

import { startCliService } from './service.js';
import { temporaryFile } from './temporary.js';
import { exited, startXtcp, xtcp, xtcpReading } from './xtcp.js';

describe('xtcp call prints', () => {
  it('text as it is', async () => {
    const { target } = await startCliService();
    expect(await xtcp(['call', target, 'toupper', 'xiaoxiao'])).toEqual(exited(0, 'XIAOXIAO\n'));
  });

  it('an object as one line of JSON, where that is no terminal', async () => {
    const { target } = await startCliService();
    const exit = await xtcp(['call', target, '{ "cmd": "object" }']);
    expect(exit).toEqual(exited(0, '{"name":"xiaoxiao","list":[1,null]}\n'));
  });

  it('the same from MessagePack', async () => {
    const { target } = await startCliService();
    const exit = await xtcp(['call', target, '{"cmd":"object"}', '--msgpack', '--json', '{"a":[1.5,true]}']);
    expect(exit).toEqual(exited(0, '{"name":"xiaoxiao","list":[1,null]}\n'));
  });

  it('bytes as they are', async () => {
    const { target } = await startCliService();
    const program = startXtcp(['call', target, 'bytes']);
    expect(await program.exit).toMatchObject({ code: 0, stderr: '' });
    expect(program.octets).toEqual(Buffer.from([0, 255, 10, 27]));
  });

  it('nothing where the answer is nothing', async () => {
    const { target } = await startCliService();
    expect(await xtcp(['call', target, 'nothing'])).toEqual(exited(0, ''));
  });

  it('each value of a stream, whatever its type', async () => {
    const { target } = await startCliService();
    const exit = await xtcp(['call', target, 'count', '3']);
    expect(exit).toEqual(exited(0, 'item 1\n{"number":2}\nitem 3\n'));
  });
});

describe('xtcp call sends', () => {
  it.each([
    ['nothing', [], 'nothing'],
    ['text from the command line', ['Grüße'], 'string "Grüße"'],
    ['text that begins with -', ['--', '-x'], 'string "-x"'],
    ['a negative number', ['-5', '--json'], 'number -5'],
    ['JSON', ['--json', '{"a":1}'], 'object {"a":1}'],
    ['an argument as JSON', ['[1,2]', '--json'], 'object [1,2]'],
    ['JSON that is null', ['--json', 'null'], 'object null'],
  ])('%s', async (_what, args, shown) => {
    const { target } = await startCliService();
    expect(await xtcp(['call', target, 'describe', ...args])).toEqual(exited(0, `${shown}\n`));
  });

  it('a file as bytes', async () => {
    const { target } = await startCliService();
    const path = temporaryFile('<#\n');
    expect(await xtcp(['call', target, 'describe', '--file', path])).toEqual(exited(0, 'bytes 3c230a\n'));
  });

  it('a file of JSON as what it says', async () => {
    const { target } = await startCliService();
    const exit = await xtcp(['call', target, 'describe', '--json', '--file', temporaryFile('{"a": [1]}\n')]);
    expect(exit).toEqual(exited(0, 'object {"a":[1]}\n'));
  });

  it.each([
    ['text, without the line break at its end', ['-'], 'a\nb\n', 'string "a\\nb"'],
    ['text that has none', ['-'], 'a', 'string "a"'],
    ['JSON', ['-', '--json'], '{"a":1}\n', 'object {"a":1}'],
    ['bytes', ['--file', '-'], 'a\n', 'bytes 610a'],
  ])('stdin: %s', async (_what, args, input, shown) => {
    const { target } = await startCliService();
    expect(await xtcpReading(input, ['call', target, 'describe', ...args])).toEqual(exited(0, `${shown}\n`));
  });

  it('the lines of stdin as a stream', async () => {
    const { target } = await startCliService();
    const exit = await xtcpReading('a\n\nb c\r\nlast', ['call', target, 'join', '--stream-in']);
    expect(exit).toEqual(exited(0, '["a","","b c","last"]\n'));
  });

  it('lines of JSON as a stream of values', async () => {
    const { target } = await startCliService();
    const exit = await xtcpReading('{"a":1}\n\n2\n', ['call', target, 'join', '--stream-in', '--json']);
    expect(exit).toEqual(exited(0, '[{"a":1},2]\n'));
  });

  it('a stream no further than its handler reads it', async () => {
    const { target } = await startCliService();
    const program = startXtcp(['call', target, 'first', '--stream-in']);
    void program.write('one\n');
    // Stdin stays open: the program does not wait for its end.
    expect(await program.exit).toEqual(exited(0, 'one\n'));
  });

  it('metadata, whose values may have = in them', async () => {
    const { target } = await startCliService();
    const exit = await xtcp(['call', target, 'metadata', '--meta', 'tenant=a=b', '--meta', 'empty=']);
    expect(exit).toEqual(exited(0, '{"tenant":"a=b","empty":""}\n'));
  });

  it('no deadline, unless it is given one', async () => {
    const { target } = await startCliService();
    expect(await xtcp(['call', target, 'timeleft'])).toEqual(exited(0, 'any\n'));
    expect(await xtcp(['call', target, 'timeleft', '--timeout', '1m'])).toEqual(exited(0, 'bounded\n'));
  });
});

describe('xtcp call', () => {
  it('tells more with --verbose, on stderr', async () => {
    const { target } = await startCliService();
    const { stderr, ...exit } = await xtcp(['call', target, 'metadata', '-v']);
    expect(exit).toEqual({ code: 0, signal: null, stdout: '{}\n' });
    const [took, odd, values, ...rest] = stderr.split('\n');
    expect([took, odd, rest]).toEqual(['metadata: took=1 ms', 'metadata: a b=c', ['']]);
    expect(values).toMatch(new RegExp(`^1 value from ${target} in [\\d.]+ (µs|ms|s)$`));
  });

  it('cancels its call at SIGINT, which the server sees', async () => {
    const { target, seen } = await startCliService();
    const program = startXtcp(['call', target, 'hang']);
    await seen.until(() => seen.items === 1);
    program.signal('SIGINT');
    expect(await program.exit).toEqual(exited(130, ''));
    await seen.until(() => seen.cancelled === 1);
  });

  it('ends at SIGINT while it waits for its data', async () => {
    const program = startXtcp(['call', '127.0.0.1:1', 'toupper', '-']);
    // More than a pipe holds, so that the program is known to read.
    await program.write('not all'.repeat(1_000_000));
    program.signal('SIGINT');
    expect(await program.exit).toEqual(exited(130, ''));
  });

  it('holds the server up while nobody reads what it prints', async () => {
    const { target, seen } = await startCliService();
    const program = startXtcp(['call', target, 'endless']);
    program.pauseOutput();
    const settledItems = async (): Promise<number> => {
      let before = -1;
      while (before !== seen.items || seen.items === 0) {
        before = seen.items;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      return before;
    };
    const held = await settledItems();
    // A window of 256 KiB at each side, what the sockets hold, and the pipe.
    expect(held).toBeLessThan(20_000);
    program.resumeOutput();
    await program.untilPrinted(new RegExp(`^${held + 1} `, 'm'));
    program.signal('SIGINT');
    expect((await program.exit).code).toBe(130);
    await seen.until(() => seen.cancelled === 1);
  });

  it('ends its call, quietly, when nobody reads what it prints any more', async () => {
    const { target, seen } = await startCliService();
    const program = startXtcp(['call', target, 'endless']);
    await program.untilPrinted(/^1 /);
    program.closeOutput();
    expect(await program.exit).toMatchObject({ code: 141, signal: null, stderr: '' });
    await seen.until(() => seen.cancelled === 1);
  });

  it('shows the token to the server, from the flag or the environment', async () => {
    const { target } = await startCliService({
      authenticate: ({ auth }) => {
        if (auth !== 'secret') throw new Error('no');
      },
    });
    const args = ['call', target, 'toupper', 'a'];
    expect(await xtcp([...args, '--auth', 'secret'])).toEqual(exited(0, 'A\n'));
    expect(await xtcp(args, { env: { XTCP_AUTH: 'secret' } })).toEqual(exited(0, 'A\n'));
    const refused = await xtcp([...args, '--auth', 'wrong-token']);
    expect(refused).toMatchObject({ code: 5, stdout: '' });
    expect(refused.stderr).toMatch(/^xtcp: UNAUTHENTICATED: .* \(calling "toupper" at 127\.0\.0\.1:\d+\)\n$/);
    expect(refused.stderr).not.toContain('wrong-token');
  });

  it('speaks classic where it is told to, and with servers that speak nothing else', async () => {
    const { target } = await startCliService({ payload: 'text' });
    const args = ['call', target, '{"cmd":"object"}', '--classic'];
    expect(await xtcp(args)).toEqual(exited(0, '{"name":"xiaoxiao","list":[1,null]}\n'));
    expect(await xtcp(['call', target, 'count', '4', '--classic', '--payload', 'json'])).toEqual(
      exited(0, '{"number":4}\n'),
    );
    expect(await xtcp(['call', target, 'join', '--stream-in', '--classic'])).toEqual(
      exited(
        6,
        '',
        `xtcp: UNIMPLEMENTED: the server speaks only xtcp 0.2, which has no streams (calling "join" at ${target})\n`,
      ),
    );
  });

  it('calls over a Unix domain socket', async () => {
    const { target } = await startCliService({ path: `${temporaryFile('')}.sock` });
    expect(target).toMatch(/^unix:\//);
    expect(await xtcp(['call', target, 'toupper', 'a'])).toEqual(exited(0, 'A\n'));
  });
});
