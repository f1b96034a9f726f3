import type { Settings } from '../contenders/contender.js';
import type { ContenderName } from '../contenders/contenders.js';

/** The first argument of both processes. */
export interface Start {
  readonly contender: ContenderName;
  readonly settings: Settings;
}

/** What the client's process is told besides: where its server listens. */
export interface ClientStart extends Start {
  readonly port: number;
}
