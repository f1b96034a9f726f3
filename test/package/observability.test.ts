import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { built } from './dist.js';
import { applicationFolder } from './folder.js';
import { ROOT, runProgram } from './processes.js';
import { compile, samples } from './readme.js';

const TIMEOUT_MS = 60_000;

/** The lines that a page says its program prints. */
function saidLines(text: string): string[] {
  const [, said = ''] = /^prints ((?:`[^`]*`|[^`.:])*)/m.exec(text) ?? [];
  return [...said.matchAll(/`([^`]+)`/g)].map(([, line = '']) => line);
}

describe.each([
  ['docs/observability.md', 'watch.js'],
  ['docs/opentelemetry.md', 'service.js'],
])('the program of %s', { timeout: TIMEOUT_MS }, (page, main) => {
  it('compiles as it is printed, and prints what the text says', async () => {
    built('opentelemetry/index.js');
    const text = readFileSync(join(ROOT, page), 'utf8');
    const files = samples(text).filter(({ file }) => file !== undefined);
    const folder = applicationFolder('observability', { type: 'module' });
    onTestFinished(() => {
      folder.remove();
    });
    for (const { file, text: sample } of files) folder.write(file!, sample);
    expect(
      compile(
        folder,
        files.map(({ file }) => file!),
      ),
    ).toEqual([]);
    const exit = await runProgram(process.execPath, [main], { cwd: folder.path });
    expect(exit).toMatchObject({ code: 0, stderr: '' });
    const lines = saidLines(text);
    expect(lines.length).toBeGreaterThan(1);
    expect(exit.stdout.trimEnd().split('\n')).toEqual(lines);
  });
});
