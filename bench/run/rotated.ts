/** The same, beginning with another one each round: whoever comes first has no advantage over the run. */
export function rotated<T>(values: readonly T[], round: number): T[] {
  const start = round % values.length;
  return [...values.slice(start), ...values.slice(0, start)];
}
