import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { describe, expect, it } from 'vitest';

import { startCliService } from './service.js';
import { temporaryFolder } from './temporary.js';
import { xtcp } from './xtcp.js';

const HOOKS = `
import { appendFileSync } from 'node:fs';
export async function load(url, context, nextLoad) {
  appendFileSync(process.env.LOADED, url + '\\n');
  return nextLoad(url, context);
}
`;

/** Runs the program, and finds out which modules it loads. */
async function modulesOf(args: readonly string[]): Promise<{ code: number | null; modules: string[] }> {
  const folder = temporaryFolder();
  const loaded = join(folder, 'loaded');
  const hooks = join(folder, 'hooks.mjs');
  const register = join(folder, 'register.mjs');
  writeFileSync(loaded, '');
  writeFileSync(hooks, HOOKS);
  const hooksUrl = JSON.stringify(pathToFileURL(hooks).href);
  writeFileSync(register, `import { register } from 'node:module'; register(${hooksUrl});`);
  const env = { LOADED: loaded, NODE_OPTIONS: `--import ${pathToFileURL(register).href}` };
  const { code } = await xtcp(args, { env });
  return { code, modules: readFileSync(loaded, 'utf8').trimEnd().split('\n') };
}

describe('xtcp loads', () => {
  it.each([
    ['call', ['toupper', 'a']],
    ['emit', ['note', 'a']],
    ['ping', ['-c', '1']],
    ['list', []],
    ['health', []],
    ['bench', ['toupper', 'a', '-n', '1']],
  ])('neither Nest nor rxjs for %s, and of bench only what it needs', async (command, args) => {
    const { target } = await startCliService(
      {},
      { patterns: { patterns: [] }, health: () => ({ status: 'SERVING', services: {} }) },
    );
    const { code, modules } = await modulesOf([command, target, ...args]);
    expect(code).toBe(0);
    expect(modules.some((url) => url.endsWith(`/dist/cli/commands/${command}.js`))).toBe(true);
    expect(modules.some((url) => url.endsWith('/dist/call/endpoint-caller.js'))).toBe(true);
    expect(modules.filter((url) => /\/node_modules\/(?:@nestjs|rxjs|reflect-metadata|msgpackr)\//.test(url))).toEqual(
      [],
    );
    expect(modules.filter((url) => /\/dist\/(?:index\.js|client|server|nest|async)\b/.test(url))).toEqual([]);
    const ofBench = modules.filter((url) => /\/dist\/cli\/bench\/|\/cli-progress\//.test(url));
    expect(ofBench.length > 0).toBe(command === 'bench');
  });

  it('nothing that calls for its help', async () => {
    const { modules } = await modulesOf(['call', '--help']);
    expect(modules.filter((url) => /\/dist\/(?:call|socket|pool|session|wire)\//.test(url))).toEqual([]);
  });
});
