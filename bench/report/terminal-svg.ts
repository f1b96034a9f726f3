/** How the picture of a terminal looks on a page of either theme. */
export const TERMINAL_THEMES = {
  light: {
    background: '#f6f8fa',
    border: '#d0d7de',
    text: '#1f2328',
    dim: '#6e7781',
    colors: { 31: '#cf222e', 32: '#1a7f37', 33: '#9a6700', 36: '#0969da' },
  },
  dark: {
    background: '#0d1117',
    border: '#30363d',
    text: '#e6edf3',
    dim: '#8b949e',
    colors: { 31: '#ff7b72', 32: '#3fb950', 33: '#d29922', 36: '#58a6ff' },
  },
} as const;

export type TerminalTheme = keyof typeof TERMINAL_THEMES;

const FONT_SIZE = 14;
/** Of a column and a line, in pixels; block characters have to touch each other. */
const COLUMN = 8.4;
const LINE = 18;
const PADDING = 16;
/** Where letters stand in their line, from its top. */
const BASELINE = 13.5;

interface Style {
  readonly bold: boolean;
  readonly dim: boolean;
  readonly color: number | undefined;
}

const PLAIN: Style = { bold: false, dim: false, color: undefined };

/** Eighths of a column, from the left, by the block character that shows them. */
const BLOCKS: Readonly<Record<string, number>> = { '▏': 1, '▎': 2, '▍': 3, '▌': 4, '▋': 5, '▊': 6, '▉': 7, '█': 8 };

/**
 * The picture of a terminal's text, as SVG: text as `<text>` of a monospaced font, block characters as rectangles, since
 * fonts draw them with gaps.
 * @param recorded what was printed, with the escape sequences of bold, dim and colours; others are left out
 * @param description for who cannot see it
 */
export function drawTerminal(recorded: string, theme: TerminalTheme, description: string): string {
  const { background, border, text } = TERMINAL_THEMES[theme];
  const lines = recorded.replaceAll('\r', '').trimEnd().split('\n');
  let columns = 0;
  const drawn: string[] = [];
  for (const [index, line] of lines.entries()) {
    const top = PADDING + index * LINE;
    let column = 0;
    for (const { piece, style } of piecesOf(line)) {
      drawn.push(drawPiece(piece, style, column, top, theme));
      column += piece.length;
    }
    columns = Math.max(columns, column);
  }
  const width = Math.ceil(columns * COLUMN + 2 * PADDING);
  const height = lines.length * LINE + 2 * PADDING;
  const font = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
      `role="img" font-family="${font}" font-size="${FONT_SIZE}" fill="${text}">`,
    `<title>${escapeXml(description)}</title>`,
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="${background}" stroke="${border}"/>`,
    ...drawn.filter((one) => one !== ''),
    '</svg>',
  ].join('\n');
}

/** The pieces of a line that look the same all over. */
function piecesOf(line: string): { piece: string; style: Style }[] {
  const pieces: { piece: string; style: Style }[] = [];
  let style = PLAIN;
  // oxlint-disable-next-line no-control-regex
  for (const part of line.split(/(\u001b\[[\d;?]*[A-Za-z])/)) {
    // oxlint-disable-next-line no-control-regex
    const codes = /^\u001b\[([\d;]*)m$/.exec(part)?.[1];
    if (codes !== undefined) for (const code of codes.split(';')) style = styled(style, Number(code));
    else if (part !== '' && !part.startsWith('\u001b')) {
      for (const piece of part.split(/([▏▎▍▌▋▊▉█]+| {2,})/)) if (piece !== '') pieces.push({ piece, style });
    }
  }
  return pieces;
}

function styled(style: Style, code: number): Style {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 39) return { ...style, color: undefined };
  return code >= 30 && code <= 37 ? { ...style, color: code } : style;
}

function drawPiece(
  piece: string,
  { bold, dim, color }: Style,
  column: number,
  top: number,
  theme: TerminalTheme,
): string {
  if (piece.trim() === '') return '';
  const { colors, dim: dimmed } = TERMINAL_THEMES[theme];
  const chosen = (color !== undefined && (colors as Record<number, string>)[color]) || (dim ? dimmed : undefined);
  const fill = chosen === undefined ? '' : ` fill="${chosen}"`;
  const x = PADDING + column * COLUMN;
  if (piece.charAt(0) in BLOCKS) {
    const eighths = Array.from(piece).reduce((sum, block) => sum + BLOCKS[block]!, 0);
    return `<rect x="${fixed(x)}" y="${top + 2}" width="${fixed((eighths / 8) * COLUMN)}" height="${LINE - 4}"${fill}/>`;
  }
  const weight = bold ? ' font-weight="bold"' : '';
  const length = fixed(piece.length * COLUMN);
  // The length holds the columns where the font of the page has another width.
  return (
    `<text x="${fixed(x)}" y="${top + BASELINE}" textLength="${length}" lengthAdjust="spacingAndGlyphs" ` +
    `xml:space="preserve"${weight}${fill}>${escapeXml(piece)}</text>`
  );
}

function fixed(pixels: number): string {
  return String(Number(pixels.toFixed(2)));
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
