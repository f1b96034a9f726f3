import type { Interrupt } from './interrupt.js';
import type { Output } from './output.js';

/** What a command has of the world. */
export interface Io {
  readonly out: Output;
  readonly err: Output;
  readonly interrupt: Interrupt;
}
