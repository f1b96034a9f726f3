import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from './processes.js';

/** The built file `name`, which `npm test` builds before it runs the tests. */
export function built(name: string): string {
  const path = join(ROOT, 'dist', name);
  if (!existsSync(path)) throw new Error(`dist/${name} is missing: run "npm run build", or "npm test" as a whole`);
  return path;
}
