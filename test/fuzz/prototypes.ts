import { fail } from './fail.js';

const PROTOTYPES = [Object.prototype, Array.prototype, Function.prototype, Error.prototype] as const;
const KEYS = PROTOTYPES.map((prototype) => Reflect.ownKeys(prototype).length);

/** Nobody has reached what all objects share. */
export function checkPrototypes(): void {
  for (const [index, prototype] of PROTOTYPES.entries()) {
    const keys = Reflect.ownKeys(prototype);
    if (keys.length !== KEYS[index]) fail('a prototype has changed', keys);
  }
}
