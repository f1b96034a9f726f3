import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import ts from 'typescript';

const SOURCES = fileURLToPath(new URL('./service/', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LIBRARY = join(ROOT, 'dist', 'index.js');

/**
 * Compiles the service's applications, where that was not done yet, such that they import the library as it is
 * published.
 * @returns the path of the module to fork
 */
export function compileService(): string {
  if (!existsSync(LIBRARY)) {
    throw new Error(`There is no ${LIBRARY}, which the services of these tests run: npm run build`);
  }
  const texts = readdirSync(SOURCES).map((name) => ({ name, text: readFileSync(join(SOURCES, name), 'utf8') }));
  const hash = createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 16);
  // Inside the project, where Node finds what is installed.
  const parent = join(ROOT, '.tmp', 'nest-sessions');
  const target = join(parent, hash);
  if (!existsSync(target)) {
    mkdirSync(parent, { recursive: true });
    const fresh = mkdtempSync(join(parent, 'new-'));
    for (const { name, text } of texts) writeFileSync(join(fresh, name.replace(/\.ts$/, '.js')), transpile(text));
    publish(fresh, target);
  }
  return join(target, 'main.js');
}

/** Other test files may do the same at the same time: the first one wins. */
function publish(fresh: string, target: string): void {
  try {
    renameSync(fresh, target);
  } catch (error) {
    rmSync(fresh, { recursive: true });
    if (!existsSync(target)) throw error;
  }
}

function transpile(text: string): string {
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    },
  });
  return outputText.replaceAll("'../../../../src/index.js'", JSON.stringify(pathToFileURL(LIBRARY).href));
}
