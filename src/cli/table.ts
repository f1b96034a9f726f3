const GAP = 2;

/**
 * Rows as lines whose columns stand below each other.
 * @param width columns that a line may have, where there is a bound; the last cell is cut to it
 */
export function formatTable(rows: readonly (readonly string[])[], width?: number): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => {
    const line = row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]! + GAP)))
      .join('')
      .trimEnd();
    return width !== undefined && line.length > width ? `${line.slice(0, width - 1)}…` : line;
  });
}
