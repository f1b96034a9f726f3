import { describe, expect, it } from 'vitest';

import { drawTerminal } from '../../bench/report/terminal-svg.js';

const BOLD = '\u001b[1m';
const CYAN = '\u001b[36m';
const OFF = '\u001b[0m';

describe('the picture of a terminal', () => {
  it('has its text where it was printed, in its style', () => {
    const svg = drawTerminal(`a ${BOLD}b < c${OFF}\r\n    ${CYAN}d${OFF}\n`, 'light', 'what & why');
    expect(svg).toContain('<title>what &amp; why</title>');
    const texts = [
      ...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)"[^>]*?( font-weight="bold")?( fill="[^"]+")?>([^<]*)</g),
    ];
    expect(texts.map(([, x, y, bold, fill, text]) => [x, y, bold, fill, text])).toEqual([
      ['16', '29.5', undefined, undefined, 'a '],
      ['32.8', '29.5', ' font-weight="bold"', undefined, 'b &lt; c'],
      ['49.6', '47.5', undefined, ' fill="#0969da"', 'd'],
    ]);
  });

  it('draws bars as rectangles, an eighth of a column fine', () => {
    const svg = drawTerminal(`${CYAN}██▌${OFF}\n▏`, 'dark', 'bars');
    const bars = [...svg.matchAll(/<rect x="16" y="(\d+)" width="([\d.]+)"/g)].map(([, y, width]) => [y, width]);
    expect(bars).toEqual([
      ['18', '21'],
      ['36', '1.05'],
    ]);
  });

  it('is as large as its text, and leaves out what moves the cursor', () => {
    const svg = drawTerminal('\u001b[?25l12345\u001b[1G', 'dark', 'size');
    expect(svg).toMatch(/^<svg [^>]*width="74" height="50"/);
    expect(svg).not.toContain('\u001b');
  });
});
