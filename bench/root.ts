import { fileURLToPath } from 'node:url';

/** The root of this repository, seen from where the bench is compiled to. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
