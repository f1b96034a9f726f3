/** Delays between attempts: each failure doubles the bound, and a random part of it is waited ("full jitter"). */
export class Backoff {
  private failures = 0;

  /**
   * @param leastMs the bound behind the first failure, in milliseconds
   * @param mostMs what the bound grows to
   * @param random a number from 0 to below 1; tests hand in one that they know
   */
  constructor(
    private readonly leastMs: number,
    private readonly mostMs: number,
    private readonly random: () => number = Math.random,
  ) {}

  /** An attempt has failed. @returns milliseconds to wait before the next one, at least 1 */
  next(): number {
    const bound = Math.min(this.mostMs, this.leastMs * 2 ** this.failures);
    this.failures++;
    return Math.max(1, Math.round(bound * this.random()));
  }

  /** An attempt has gone well. */
  reset(): void {
    this.failures = 0;
  }
}
