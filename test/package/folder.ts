import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from './processes.js';

/** An application's folder, for as long as it is needed. */
export interface Folder {
  readonly path: string;
  write(name: string, text: string): void;
  remove(): void;
}

/**
 * A folder in which `nestjs-xtcp` is this package, as it is built, and Nest is that of this repository: it lies in here
 * under `.tmp/`, so that Node finds the latter above it.
 */
export function applicationFolder(name: string, packageJson: object): Folder {
  const parent = join(ROOT, '.tmp');
  mkdirSync(parent, { recursive: true });
  const path = mkdtempSync(join(parent, `${name}-`));
  mkdirSync(join(path, 'node_modules'));
  symlinkSync(ROOT, join(path, 'node_modules', 'nestjs-xtcp'), 'dir');
  const folder: Folder = {
    path,
    write: (file, text) => {
      writeFileSync(join(path, file), text);
    },
    remove: () => {
      rmSync(path, { recursive: true });
    },
  };
  folder.write('package.json', JSON.stringify(packageJson));
  return folder;
}
