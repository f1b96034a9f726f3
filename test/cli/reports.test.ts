import { describe, expect, it } from 'vitest';

import { startProgram } from '../package/processes.js';
import { rawServer } from '../support/raw.js';
import { XtcpException } from '../../src/index.js';
import { startCliService, type CliService } from './service.js';
import { exited, startXtcp, xtcp } from './xtcp.js';

/** The text with every time in milliseconds replaced. */
function timeless(text: string): string {
  return text.replaceAll(/\d+\.\d{3}/g, '#');
}

describe('xtcp emit', () => {
  it.each([['none'], ['received'], ['handled']])('emits an event and prints nothing, with --ack %s', async (ack) => {
    const { target, seen } = await startCliService();
    const exit = await xtcp(['emit', target, 'note', '--json', '{"text":"hello"}', '--ack', ack]);
    expect(exit).toEqual(exited(0, ''));
    await seen.until(() => seen.notes.length === 1);
    expect(seen.notes).toEqual([{ text: 'hello' }]);
  });

  it('fails where nobody takes it', async () => {
    const { target } = await startCliService();
    expect(await xtcp(['emit', target, 'nobody', 'a'])).toMatchObject({ code: 6, stdout: '' });
  });
});

describe('xtcp ping', () => {
  it('prints each round trip and a summary', async () => {
    const { target } = await startCliService();
    const { stdout, ...exit } = await xtcp(['ping', target, '-c', '3', '-i', '10ms']);
    expect(exit).toEqual({ code: 0, signal: null, stderr: '' });
    expect(timeless(stdout)).toBe(
      [
        ...[1, 2, 3].map((seq) => `pong from ${target}: seq=${seq} time=# ms`),
        `--- ${target}: 3 pings, 3 answered, 0 % lost`,
        'round trip min/avg/max/p99 = #/#/#/# ms',
        '',
      ].join('\n'),
    );
  });

  it('prints the summary alone, as JSON', async () => {
    const { target } = await startCliService();
    const { stdout, ...exit } = await xtcp(['ping', target, '-c', '2', '-i', '10ms', '--json']);
    expect(exit).toEqual({ code: 0, signal: null, stderr: '' });
    const time = expect.any(Number) as number;
    expect(JSON.parse(stdout)).toEqual({
      target,
      sent: 2,
      answered: 2,
      lossPercent: 0,
      roundTripMs: { min: time, mean: time, max: time, p99: time },
    });
  });

  it('ends at SIGINT with its summary, and well', async () => {
    const { target } = await startCliService();
    const program = startXtcp(['ping', target, '-i', '1h']);
    await program.untilPrinted(/seq=1 /);
    program.signal('SIGINT');
    const { code, stdout } = await program.exit;
    expect(code).toBe(0);
    expect(stdout).toContain(`--- ${target}: 1 ping, 1 answered, 0 % lost\n`);
  });

  it('counts those that are not answered, and goes on', async () => {
    // It says hello, answers the second ping with the first, and no other.
    const { port } = await rawServer((peer) => {
      peer.socket.on('data', () => {
        if (peer.bytes.startsWith('4\r\nxtcp')) peer.send('4\r\nxtcp\r\n1\r\n1\r\n2\r\n{}\r\n\r\n');
        void peer.take(peer.bytes.length);
      });
    });
    const { code, stdout } = await xtcp(['ping', `:${port}`, '-c', '2', '-i', '10ms', '--timeout', '50ms']);
    const lost = [1, 2].map((seq) => `no pong: seq=${seq} DEADLINE_EXCEEDED: no answer within 50 ms\n`);
    expect(stdout).toBe(`${lost.join('')}--- 127.0.0.1:${port}: 2 pings, 0 answered, 100 % lost\n`);
    expect(code).toBe(4);
  });

  it('says that xtcp 0.2 has none', async () => {
    const { port } = await rawServer((peer) => {
      peer.socket.on('data', () => {
        peer.send('5\r\nwhat?\r\n\r\n');
        peer.socket.end();
      });
    });
    const refused = 'xtcp: UNIMPLEMENTED: xtcp 0.2 has no ping';
    expect(await xtcp(['ping', `:${port}`])).toMatchObject({
      code: 6,
      stdout: '',
      stderr: expect.stringContaining(refused) as string,
    });
    expect(await xtcp(['ping', `:${port}`, '--classic'])).toMatchObject({
      code: 6,
      stdout: '',
      stderr: expect.stringContaining(refused) as string,
    });
  });
});

const PATTERNS = {
  patterns: [
    { pattern: 'note', kind: 'event', description: null, schema: null, reason: 'its handler declares no schema' },
    {
      pattern: 'signup',
      kind: 'call',
      description: 'Adds a\nuser.',
      schema: {
        type: 'object',
        properties: {
          name: { type: 'string' },
          age: { type: ['integer', 'null'] },
          tags: { type: 'array', items: { enum: ['a', 'b'] } },
        },
        required: ['name', 'tags'],
      },
      reason: null,
    },
  ],
};

describe('xtcp list', () => {
  it('prints what a server answers to as a table', async () => {
    const { target } = await startCliService({}, { patterns: PATTERNS });
    expect(await xtcp(['list', target])).toEqual(
      exited(
        0,
        `${[
          'PATTERN  KIND   PAYLOAD                                                      DESCRIPTION',
          'note     event  -',
          'signup   call   { name: string, age?: integer | null, tags: ("a" | "b")[] }  Adds a user.',
        ].join('\n')}\n`,
        'xtcp: of a payload "-" no schema is known; --json says why\n',
      ),
    );
  });

  it('prints all that the server tells as JSON', async () => {
    const { target } = await startCliService({}, { patterns: PATTERNS });
    expect(await xtcp(['list', target, '--json'])).toEqual(exited(0, `${JSON.stringify(PATTERNS)}\n`));
  });

  it('asks over classic, too', async () => {
    const { target } = await startCliService({}, { patterns: PATTERNS });
    expect((await xtcp(['list', target, '--json', '--classic'])).stdout).toBe(`${JSON.stringify(PATTERNS)}\n`);
  });

  it('prints what a real server tells of itself', async () => {
    const { target } = await startCliService();
    const { code, stdout } = await xtcp(['list', target]);
    expect(code).toBe(0);
    expect(stdout.split('\n')[0]).toMatch(/^PATTERN +KIND +PAYLOAD +DESCRIPTION$/);
    expect(stdout).toMatch(/^toupper +call +-$/m);
    expect(stdout).toMatch(/^note +event +-$/m);
    expect(stdout).toMatch(/^\{"cmd":"object"\} +call +-$/m);
    expect(stdout).not.toContain('xtcp.');
  });

  it('says that the server does not tell', async () => {
    const { target } = await startCliService({ reflection: false });
    for (const args of [[], ['--classic']]) {
      expect(await xtcp(['list', target, ...args])).toEqual(
        exited(
          6,
          '',
          'xtcp: UNIMPLEMENTED: the server does not tell its patterns: reflection is switched off there, or it has an ' +
            `older version of nestjs-xtcp, or none (calling "xtcp.patterns" at ${target})\n`,
        ),
      );
    }
  });

  it('says that the answer is something else', async () => {
    const { target } = await startCliService({}, { patterns: 'what?' });
    const exit = await xtcp(['list', target]);
    expect(exit).toMatchObject({ code: 1, stdout: '' });
    expect(exit.stderr).toMatch(/^xtcp: PROTOCOL_ERROR: the server answers with something else \(calling [^\n]*\n$/);
  });
});

/** A real service that has said of two of its services how they are. */
async function startHealthy(): Promise<CliService> {
  const service = await startCliService();
  service.server.health.set('NOT_SERVING', 'mail');
  service.server.health.set('SERVING', 'database');
  return service;
}

/** What a server answers that has no such pattern. */
function unknownPattern(): never {
  throw new XtcpException('UNIMPLEMENTED', 'There is no matching message handler defined in the remote service.');
}

describe('xtcp health', () => {
  it('prints the status of the server and of its services', async () => {
    const { target } = await startHealthy();
    const printed = 'SERVING\n  database  SERVING\n  mail      NOT_SERVING\n';
    expect(await xtcp(['health', target])).toEqual(exited(0, printed));
    expect(await xtcp(['health', target, '--classic'])).toEqual(exited(0, printed));
  });

  it('prints the status of one service, and exits with 7 where that is not SERVING', async () => {
    const { target } = await startHealthy();
    expect(await xtcp(['health', target, 'mail'])).toEqual(exited(7, 'NOT_SERVING\n'));
    expect(await xtcp(['health', target, 'nobody'])).toEqual(
      exited(7, 'UNKNOWN\n', `xtcp: the server at ${target} was told nothing of a service "nobody"\n`),
    );
  });

  it('exits with 7 while the server drains', async () => {
    const { target } = await startCliService({}, { health: () => ({ status: 'DRAINING', services: {} }) });
    expect(await xtcp(['health', target])).toEqual(exited(7, 'DRAINING\n'));
    expect(await xtcp(['health', target, '--json'])).toEqual(exited(7, '{"status":"DRAINING","services":{}}\n'));
  });

  it('says that the server tells nothing', async () => {
    const { target } = await startCliService({}, { health: unknownPattern });
    const exit = await xtcp(['health', target]);
    expect(exit).toMatchObject({ code: 6, stdout: '' });
    expect(exit.stderr).toMatch(/^xtcp: UNIMPLEMENTED: the server tells nothing of its health: [^\n]*\n$/);
  });
});

describe('the help', () => {
  it.each([['call'], ['emit'], ['ping'], ['list'], ['health'], ['bench']])(
    'of %s ends with an example',
    async (name) => {
      const { code, stdout, stderr } = await xtcp([name, '--help']);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(new RegExp(`\\nExample:\\n {2}\\$ xtcp ${name} localhost:8001[^\\n]*\\n$`));
      expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    },
  );

  it('tells of the exit codes, and is what a command is asked for that is not there', async () => {
    const { code, stdout } = await xtcp(['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('\n  7  health: the answer is not SERVING\n');
    expect(await xtcp([])).toEqual(exited(2, '', stdout));
  });

  it('is printed into a pipe that is closed without a word', async () => {
    const program = startProgram('sh', ['-c', '"$0" dist/cli/main.js bench --help | true', process.execPath]);
    expect(await program.exit).toEqual(exited(0, ''));
  });

  it('has the version', async () => {
    const { code, stdout } = await xtcp(['--version']);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });
});
