import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

import { describe, expect, it } from 'vitest';

import { built } from '../package/dist.js';
import { runProgram } from '../package/processes.js';
import { startCliService } from './service.js';
import { xtcp } from './xtcp.js';

const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0;
if (!hasPython) process.stderr.write('There is no python3 with pty: tests of xtcp on a terminal are skipped.\n');

const PSEUDO_TERMINAL = fileURLToPath(new URL('pseudo-terminal.py', import.meta.url));
const BOLD = '\u001b[1m';
const RED = '\u001b[31m';
const GREEN = '\u001b[32m';
const CYAN = '\u001b[36m';

/** Runs the built program on a terminal of 100 columns. @returns what it showed there, with line feeds alone */
async function onTerminal(
  args: readonly string[],
  env: Record<string, string> = {},
  interruptAt?: string,
): Promise<{ code: number | null; shown: string }> {
  const keys = interruptAt === undefined ? [] : ['--interrupt-at', interruptAt];
  const command = [process.execPath, built('cli/main.js'), ...args];
  const exit = await runProgram('python3', [PSEUDO_TERMINAL, ...keys, ...command], { env: { NO_COLOR: '', ...env } });
  return { code: exit.code, shown: exit.stdout.replaceAll('\r\n', '\n') };
}

describe.skipIf(!hasPython)('on a terminal, xtcp', () => {
  it('prints objects for people', async () => {
    const { target } = await startCliService();
    const { shown } = await onTerminal(['call', target, '{"cmd":"object"}']);
    expect(shown).toBe('{\n  "name": "xiaoxiao",\n  "list": [\n    1,\n    null\n  ]\n}\n');
  });

  it('says that there are bytes, and does not print them', async () => {
    const { target } = await startCliService();
    const { code, shown } = await onTerminal(['call', target, 'bytes']);
    expect(shown).toBe('xtcp: 4 bytes of binary data, not shown on a terminal: send them to a file with >\n');
    expect(code).toBe(0);
  });

  it('prints no colours elsewhere, whatever the environment says', async () => {
    const { target } = await startCliService();
    const env = { CI: 'true', FORCE_COLOR: '1' };
    expect((await xtcp(['health', target], { env })).stdout).toBe('SERVING\n');
  });

  it('prints errors and statuses in colours, unless NO_COLOR says otherwise', async () => {
    const { target } = await startCliService({}, { health: () => ({ status: 'SERVING', services: {} }) });
    const { code, shown } = await onTerminal(['call', target, 'forbid']);
    expect(code).toBe(5);
    expect(shown.startsWith(`${RED}xtcp: PERMISSION_DENIED: not for you`)).toBe(true);
    expect((await onTerminal(['health', target])).shown).toBe(`${GREEN}SERVING\u001b[39m\n`);
    expect((await onTerminal(['health', target], { NO_COLOR: '1' })).shown).toBe('SERVING\n');
  });

  it('shows how far bench is while it runs, and then a report as wide as the terminal', async () => {
    const { target } = await startCliService();
    const { code, shown } = await onTerminal(['bench', target, 'toupper', 'a', '-d', '700ms']);
    expect(code).toBe(0);
    expect(shown).toMatch(/calling [█░]{24} \d\.\d of 0\.70 s [\d,]+ calls\/s/);
    expect(shown).toContain(`${BOLD}toupper at ${target}`);
    expect(shown).toContain(`${CYAN}█`);
    // The cursor, hidden behind the progress, is back, and the progress is wiped away.
    expect(shown.lastIndexOf('\u001b[?25h')).toBeGreaterThan(shown.lastIndexOf('\u001b[?25l'));
    const report = stripVTControlCharacters(shown.slice(shown.indexOf(`${BOLD}toupper`))).split('\n');
    expect(Math.max(...report.map(({ length }) => length))).toBe(100);
  });

  it('ends bench at Ctrl-C, with its report', async () => {
    const { target } = await startCliService();
    const { code, shown } = await onTerminal(['bench', target, 'toupper', 'a', '-d', '1h'], {}, ' calls/s');
    expect(code).toBe(0);
    expect(stripVTControlCharacters(shown)).toMatch(/^ {2}rate {6}[\d,]+ calls\/s$/m);
    expect(shown.lastIndexOf('\u001b[?25h')).toBeGreaterThan(shown.lastIndexOf('\u001b[?25l'));
  });
});
