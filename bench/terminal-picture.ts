import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { drawTerminal, TERMINAL_THEMES, type TerminalTheme } from './report/terminal-svg.js';
import { ROOT } from './root.js';

/**
 * Draws what a program printed on a terminal, which is read from stdin, as two pictures; of the command line:
 *
 *     python3 test/cli/pseudo-terminal.py node dist/cli/main.js bench … | \
 *       node .tmp/bench/bench/terminal-picture.js docs/cli/bench '$ xtcp bench …' 'what it shows'
 */
const [name, command, description] = process.argv.slice(2);
if (name === undefined || command === undefined || description === undefined) {
  process.stderr.write('usage: terminal-picture.js PATH-WITHOUT-THEME COMMAND DESCRIPTION < RECORDED\n');
  process.exit(2);
}
const printed = readFileSync(0, 'utf8');
// The progress is wiped away at its end: what counts comes behind the cursor's return.
const report = printed.slice(printed.lastIndexOf('\u001b[?25h') + 1).replace(/^\[\?25h/, '');
for (const theme of Object.keys(TERMINAL_THEMES) as TerminalTheme[]) {
  const path = join(ROOT, `${name}-${theme}.svg`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${drawTerminal(`${command}\n${report}`, theme, description)}\n`);
}
