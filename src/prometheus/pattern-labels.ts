/** Patterns told apart, on each side. */
const MAX_PATTERNS = 1000;
/** What stands for all others. */
const OTHER = 'other';

/**
 * The patterns that become labels, each of which is a series for as long as the process lives. Those of a server are
 * its handlers'; a client's are the application's, which may make them up as it goes.
 */
export class PatternLabels {
  private readonly known = new Set<string>();

  labelOf(pattern: string): string {
    if (this.known.has(pattern)) return pattern;
    if (this.known.size >= MAX_PATTERNS) return OTHER;
    this.known.add(pattern);
    return pattern;
  }
}
