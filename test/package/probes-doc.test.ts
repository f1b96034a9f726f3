import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { unusedPort } from '../nest/support/addresses.js';
import { NAMES } from '../prometheus/names.js';
import { hasCurl } from '../server/probing.js';
import { built } from './dist.js';
import { applicationFolder, type Folder } from './folder.js';
import { ROOT, runProgram, startProgram } from './processes.js';
import { compile, linesToPrint, samples, type Sample } from './readme.js';

const TIMEOUT_MS = 60_000;

/** The sample of a page that is to be kept in `file`. */
function sampleOf(page: string, file: string): Sample {
  const found = samples(readFileSync(join(ROOT, 'docs', page), 'utf8')).find((sample) => sample.file === file);
  if (found === undefined) throw new Error(`docs/${page} has no ${file}`);
  return found;
}

function folderWith(name: string): Folder {
  built('index.js');
  const folder = applicationFolder(name, { type: 'module' });
  onTestFinished(() => {
    folder.remove();
  });
  return folder;
}

describe('the samples', { timeout: TIMEOUT_MS }, () => {
  it.skipIf(!hasCurl)('of docs/probes.md compile, and what they ask prints what the text says', async () => {
    const folder = folderWith('probes');
    const port = String(await unusedPort());
    const [service, ask] = ['service.ts', 'ask.sh'].map((file) => sampleOf('probes.md', file));
    folder.write('service.ts', service!.text.replaceAll('8001', port));
    folder.write('ask.sh', ask!.text.replaceAll('8001', port));
    expect(compile(folder, ['service.ts'])).toEqual([]);

    const program = startProgram(process.execPath, ['service.js'], { cwd: folder.path });
    await program.untilPrinted(/Nest microservice successfully started/);
    const exit = await runProgram('sh', ['ask.sh'], { cwd: folder.path });

    expect(exit).toMatchObject({ code: 0, stdout: 'alive\nready\n' });
  });

  it('of docs/metrics.md compile, and print what their comments say', async () => {
    const folder = folderWith('metrics');
    const sample = sampleOf('metrics.md', 'metrics.ts');
    folder.write('metrics.ts', sample.text);
    expect(compile(folder, ['metrics.ts'])).toEqual([]);

    const exit = await runProgram(process.execPath, ['metrics.js'], { cwd: folder.path });

    expect(linesToPrint(sample)).toEqual(['true']);
    expect(exit).toMatchObject({ code: 0, stdout: 'true\n', stderr: '' });
  });
});

describe('docs/metrics.md', () => {
  it('lists every metric that there is', () => {
    const text = readFileSync(join(ROOT, 'docs/metrics.md'), 'utf8');
    const listed = Array.from(text.matchAll(/^\| `(xtcp_\w+)` \|/gm), ([, name = '']) => name).flatMap((name) =>
      name.includes('_side_') ? ['client', 'server'].map((side) => name.replace('_side_', `_${side}_`)) : [name],
    );
    expect(listed.toSorted()).toEqual(NAMES);
  });
});
