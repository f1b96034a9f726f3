import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { firstValueFrom, from } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';

import { XtcpRecordBuilder } from '../../src/index.js';
import { rawServer } from '../support/raw.js';
import { serviceOfFile } from './support/child.js';
import { clientIn, collect, errorOf } from './support/client.js';

const service = serviceOfFile('protocols');
const sessionsOnly = serviceOfFile('protocols', { options: { classic: false } });

const python = findPython();

const withMetadata = () => new XtcpRecordBuilder('x').setMetadata({ a: '1' }).build();

test.each(['auto', 'session'] as const)('two applications speak sessions with the protocol %s', async (protocol) => {
  const client = await clientIn(service().port, { protocol });
  const ports = await Promise.all(Array.from({ length: 20 }, () => firstValueFrom(client.send<string>('port', 'x'))));
  expect(new Set(ports).size).toBe(1);
  expect(await firstValueFrom(client.send('metadata', withMetadata()))).toBe('{"a":"1"}');
  expect(await firstValueFrom(client.send('echo', [1, null]))).toEqual([1, null]);
});

test('a client that is told no protocol speaks sessions', async () => {
  const client = await clientIn(service().port);
  expect(await firstValueFrom(client.send('echo', Buffer.from('x')))).toEqual(Buffer.from('x'));
});

test('a classic client is served by the same server', async () => {
  const client = await clientIn(service().port, { protocol: 'classic' });
  expect(await firstValueFrom(client.send('echo', 'text'))).toBe('text');
  expect(await firstValueFrom(client.send('metadata', withMetadata()))).toBe('null');
});

describe('a server that speaks sessions only', () => {
  test('turns a classic client away, and says why', async () => {
    const client = await clientIn(sessionsOnly().port, { protocol: 'classic' });
    const failure = await errorOf(firstValueFrom(client.send('echo', 'x')));
    expect(failure).toMatchObject({ name: 'XtcpError', pattern: 'echo' });
    expect((failure as Error).message).toContain('sessions only');
  });

  test('serves sessions', async () => {
    const client = await clientIn(sessionsOnly().port);
    expect(await firstValueFrom(client.send('echo', [1]))).toEqual([1]);
  });
});

describe.skipIf(python === undefined)('with an old peer (skipped where there is no python3)', () => {
  test('auto falls back to classic, and remembers it', async () => {
    const port = await startOldServer();
    const client = await clientIn(port);
    const first = await Promise.all(
      ['one', 'two', 'three'].map((text) => firstValueFrom(client.send<string>('toupper', text))),
    );
    expect(first).toEqual(['ONE', 'TWO', 'THREE']);
    let connections = 0;
    client.on('connect', () => {
      connections++;
    });
    expect(await firstValueFrom(client.send('toupper', 'four'))).toBe('FOUR');
    // One connection for the call, none to try sessions once more.
    expect(connections).toBeLessThanOrEqual(1);
    // The old server has counted this call and those four, and no hello.
    expect(await firstValueFrom(client.send('count', 'x'))).toBe('5');
  });

  test('a stream falls back for its one answer, and fails where items would have to be sent', async () => {
    const client = await clientIn(await startOldServer());
    expect(await collect(client.stream('toupper', 'x'))).toEqual(['X']);
    const failure = await errorOf(firstValueFrom(client.send('toupper', from(['a', 'b']))));
    expect(failure).toMatchObject({ code: 'UNIMPLEMENTED', executed: false });
  });

  test('an event falls back too', async () => {
    const client = await clientIn(await startOldServer());
    await firstValueFrom(client.emit('echo', 'x'));
    expect(await firstValueFrom(client.send('count', 'x'))).toBe('2');
  });

  test('an old client is served by the same server', async () => {
    const path = fileURLToPath(new URL('../legacy/old_client.py', import.meta.url));
    const { stdout } = await promisify(execFile)(python!, [path, '127.0.0.1', String(service().port), 'echo', 'text']);
    expect(stdout).toBe('text');
  });

  test('session never falls back', async () => {
    const client = await clientIn(await startOldServer(), { protocol: 'session' });
    for (let attempt = 0; attempt < 2; attempt++) {
      const failure = await errorOf(firstValueFrom(client.send('toupper', 'x')));
      expect(failure).toMatchObject({ name: 'XtcpError', executed: false });
    }
  });
});

test('a connection that is only closed proves nothing: auto does not fall back, and says hello again', async () => {
  const hellos: string[] = [];
  const { port } = await rawServer((peer) => {
    void peer.take(4 + 3).then((start) => {
      hellos.push(start);
      peer.socket.destroy();
    });
  });
  const client = await clientIn(port);
  for (let attempt = 0; attempt < 2; attempt++) {
    const failure = await errorOf(firstValueFrom(client.send('echo', 'x')));
    expect(failure).toMatchObject({ code: 'UNAVAILABLE', executed: false });
  }
  expect(hellos).toEqual(['4\r\nxtcp', '4\r\nxtcp']);
});

function findPython(): string | undefined {
  try {
    execFileSync('python3', ['--version']);
    return 'python3';
  } catch {
    return undefined;
  }
}

/** A server of xtcp 0.2, ended with the test. @returns its port */
async function startOldServer(): Promise<number> {
  const path = fileURLToPath(new URL('../legacy/old_server.py', import.meta.url));
  const child = spawn(python!, [path], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    const exit = once(child, 'exit');
    child.kill();
    await exit;
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return Number(line.split(' ')[2]);
}
