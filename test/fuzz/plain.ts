import { fail } from './fail.js';

const PLAIN = [Object.prototype, Array.prototype, Buffer.prototype, Date.prototype, null] as const;

/** What comes out of a payload is data: objects, arrays, octets and dates, and nothing that does something. */
export function checkPlain(value: unknown): void {
  const waiting = [value];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (typeof next === 'function' || typeof next === 'symbol') fail('a payload became code', next);
    if (typeof next !== 'object' || next === null) continue;
    if (!(PLAIN as readonly unknown[]).includes(Object.getPrototypeOf(next)))
      fail('a payload became more than data', next);
    if (!Buffer.isBuffer(next)) waiting.push(...Object.values(next));
  }
}
