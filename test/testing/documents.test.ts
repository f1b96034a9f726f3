import { expect, it, onTestFinished } from 'vitest';

import { built } from '../package/dist.js';
import { applicationFolder } from '../package/folder.js';
import { runProgram } from '../package/processes.js';
import { compile, docSamples } from '../package/readme.js';

it('the two programs of docs/testing.md compile, and every test of theirs passes', { timeout: 60_000 }, async () => {
  built('testing/index.js');
  const folder = applicationFolder('testing', { type: 'module' });
  onTestFinished(() => {
    folder.remove();
  });
  const tests = docSamples('testing.md', 'app.test.ts');
  folder.write('app.ts', docSamples('testing.md', 'app.ts'));
  folder.write('app.test.ts', tests);
  expect(compile(folder, ['app.ts', 'app.test.ts'])).toEqual([]);

  const exit = await runProgram(process.execPath, ['--test', '--test-reporter=tap', 'app.test.js'], {
    cwd: folder.path,
  });

  const count = tests.split(/^test\(/m).length - 1;
  expect(exit.stdout).toContain(`\n# pass ${count}\n`);
  expect(exit).toMatchObject({ code: 0, stderr: '' });
});
