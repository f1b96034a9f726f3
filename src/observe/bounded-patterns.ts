/** Patterns told apart, on each side. */
const MAX_PATTERNS = 1000;

/**
 * The patterns by which calls are counted apart, each of which costs memory for as long as the process lives. Those of a
 * server are its handlers'; a client's are the application's, which may make them up as it goes.
 */
export class BoundedPatterns {
  private readonly known = new Set<string>();

  /** @param other what stands for all behind the first {@link MAX_PATTERNS} */
  constructor(private readonly other: string) {}

  /** The pattern itself, or what stands for it. */
  of(pattern: string): string {
    if (this.known.has(pattern)) return pattern;
    if (this.known.size >= MAX_PATTERNS) return this.other;
    this.known.add(pattern);
    return pattern;
  }
}
