import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { built } from './dist.js';
import { applicationFolder } from './folder.js';
import { freePort } from './ports.js';
import { ROOT, runProgram, startProgram } from './processes.js';
import { compile, samples } from './readme.js';

const TIMEOUT_MS = 60_000;
const FILES = ['service.ts', 'gateway.ts', 'asking.ts'];
const text = readFileSync(join(ROOT, 'docs/health.md'), 'utf8');

/** A program of the page, put together from its pieces. */
function program(name: string): string {
  const pieces = samples(text).filter(({ file }) => file === name);
  return pieces.map((piece) => piece.text).join('\n');
}

/** What the page says that its programs print. */
const prints = [...text.matchAll(/^prints ((?:`[^`]*`|[^`.])*)/gm)].flatMap(([, said = '']) =>
  [...said.matchAll(/`([^`]+)`/g)].map(([, line = '']) => line),
);

describe('the programs of docs/health.md', { timeout: TIMEOUT_MS }, () => {
  it('compile, and print what the text says; the gateway says so, too, when the service is gone', async () => {
    built('index.js');
    const [xtcp, http] = [await freePort(), await freePort()];
    const folder = applicationFolder('health', { type: 'module' });
    onTestFinished(() => {
      folder.remove();
    });
    for (const file of FILES) {
      folder.write(file, program(file).replaceAll('8001', String(xtcp)).replaceAll('3000', String(http)));
    }
    expect(compile(folder, FILES)).toEqual([]);

    const service = startProgram(process.execPath, ['service.js'], { cwd: folder.path });
    await service.untilPrinted(/Nest microservice successfully started/);
    const gateway = startProgram(process.execPath, ['gateway.js'], { cwd: folder.path });
    await gateway.untilPrinted(/Nest application successfully started/);

    const exit = await runProgram(process.execPath, ['asking.js'], { cwd: folder.path });
    expect(exit).toMatchObject({ code: 0, stderr: '' });
    expect(prints.length).toBe(4);
    expect(exit.stdout.trimEnd().split('\n')).toEqual(prints);

    service.signal('SIGTERM');
    await service.exit;
    const response = await fetch(`http://127.0.0.1:${http}/health`);
    expect(response.status).toBe(503);
    const down = { status: 'down', code: 'UNAVAILABLE' };
    expect(await response.json()).toMatchObject({ status: 'error', details: { upper: down, reports: down } });
  });
});
