import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { RawPeer } from '../support/raw.js';
import { built } from './dist.js';
import { freePort, isFree, takenPort } from './ports.js';
import { ROOT, runProgram, startProgram, type Program, type ProgramOptions } from './processes.js';

const TIMEOUT_MS = 30_000;
const DEMO = ['name: --------XIAOXIAO--------', 'name2: --------WO MEN DOU SHI HAO HAI ZI--------'];
const REQUEST = '7\r\ntoupper\r\n8\r\nxiaoxiao\r\n\r\n';
const ANSWER = '8\r\nXIAOXIAO\r\n\r\n';

const onPort = (port: number): ProgramOptions => ({ env: { HOST: '127.0.0.1', PORT: String(port) } });

const byNode = (port: number): Program =>
  startProgram(process.execPath, [built('demo/service.js')], { ...onPort(port), group: true });
const byNpm = (port: number): Program => {
  built('demo/service.js');
  // Without prestart: it would build, and take away what other tests are running just now.
  return startProgram('npm', ['start', '--ignore-scripts'], { ...onPort(port), group: true });
};

describe('the demo', { timeout: TIMEOUT_MS }, () => {
  it('prints what the demo of xtcp 0.2 did, and nothing else, and leaves nothing running', async () => {
    const port = await freePort();
    const exit = await runProgram(process.execPath, [built('demo/main.js')], onPort(port));
    expect(exit).toEqual({ code: 0, signal: null, stdout: DEMO.map((line) => `${line}\n`).join(''), stderr: '' });
    expect(await isFree(port)).toBe(true);
  });

  it('prints what README.md says', () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    expect(readme).toMatch(new RegExp(`^ *${DEMO[0]}\n *${DEMO[1]}$`, 'm'));
  });

  it('says in one line that its port is taken, and fails', async () => {
    const port = await takenPort();
    const exit = await runProgram(process.execPath, [built('demo/main.js')], onPort(port));
    expect(exit).toEqual({ code: 1, signal: null, stdout: '', stderr: expect.any(String) as string });
    expect(exit.stderr).toMatch(new RegExp(`^[^\n]*\\b127\\.0\\.0\\.1:${port} is taken[^\n]*\n$`));
  });

  it.each(['eighty', '65536', '-1'])('says in one line that there is no port %s, and fails', async (port) => {
    const exit = await runProgram(process.execPath, [built('demo/main.js')], {
      env: { HOST: '127.0.0.1', PORT: port },
    });
    expect(exit).toEqual({ code: 1, signal: null, stdout: '', stderr: expect.any(String) as string });
    expect(exit.stderr).toMatch(/^[^\n]*\bport\b[^\n]*\n$/);
  });
});

describe('the service', { timeout: TIMEOUT_MS }, () => {
  const cases = (['SIGTERM', 'SIGINT'] as const).flatMap((signal) => [
    { how: 'started by node', signal, start: byNode, to: 'signal' as const },
    { how: 'started by npm, which alone gets the signal', signal, start: byNpm, to: 'signal' as const },
    { how: 'started by npm, both getting the signal', signal, start: byNpm, to: 'signalGroup' as const },
  ]);

  it.each(cases)('$how, serves until $signal, then ends with 0 and frees its port', async ({ signal, start, to }) => {
    const port = await freePort();
    const service = start(port);
    await service.untilPrinted(new RegExp(`^toupper is served on 127\\.0\\.0\\.1:${port}$`, 'm'));
    const peer = await RawPeer.dial(port);
    peer.send(REQUEST);
    expect(await peer.take(ANSWER.length)).toBe(ANSWER);

    service[to](signal);
    // It closes the connection in order, which has nothing under way, and does not wait for its grace period.
    expect(await peer.takeAll()).toBe('');
    peer.socket.end();
    expect(await service.exit).toMatchObject({ code: 0, signal: null, stderr: expectedWarnings() });
    expect(service.stdout).not.toContain('prestart');
    expect(await isFree(port)).toBe(true);
  });

  it('answers a client that ends its output behind its request, as nc does', async () => {
    const port = await freePort();
    const service = startProgram(process.execPath, [built('demo/service.js')], onPort(port));
    await service.untilPrinted(/served/);
    const peer = await RawPeer.dial(port);
    peer.socket.end(REQUEST);
    expect(await peer.takeAll()).toBe(ANSWER);
    service.signal('SIGTERM');
    expect(await service.exit).toMatchObject({ code: 0, stderr: '' });
  });

  it('says in one line that its port is taken, and fails', async () => {
    const port = await takenPort();
    const exit = await runProgram(process.execPath, [built('demo/service.js')], onPort(port));
    expect(exit).toEqual({ code: 1, signal: null, stdout: '', stderr: expect.any(String) as string });
    expect(exit.stderr).toMatch(new RegExp(`^[^\n]*\\b127\\.0\\.0\\.1:${port} is taken[^\n]*\n$`));
  });
});

/** What npm itself may have to say about the configuration of the machine; the service says nothing. */
function expectedWarnings(): unknown {
  return expect.stringMatching(/^(?:npm warn [^\n]*\n)*$/);
}
