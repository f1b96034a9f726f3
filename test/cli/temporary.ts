import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

/** A folder that is removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'xtcp-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

/** The path of a file with this in it, removed when the test ends. */
export function temporaryFile(content: string | Uint8Array): string {
  const path = join(temporaryFolder(), 'data');
  writeFileSync(path, content);
  return path;
}
