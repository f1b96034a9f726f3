import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Results } from '../results.js';
import { ROOT } from '../root.js';
import { drawBars, THEMES, type Theme } from './bar-chart.js';
import { document } from './document.js';
import { plotsOf } from './plots.js';

/** Writes docs/benchmarks.md and its plots. */
export function writeDocs(results: Results): void {
  const folder = join(ROOT, 'docs/benchmarks');
  const plots = plotsOf(results);
  mkdirSync(folder, { recursive: true });
  for (const { name, chart } of plots) {
    for (const theme of Object.keys(THEMES) as Theme[]) {
      writeFileSync(join(folder, `${name}-${theme}.svg`), `${drawBars(chart, theme)}\n`);
    }
  }
  writeFileSync(join(ROOT, 'docs/benchmarks.md'), document(results, plots));
}
