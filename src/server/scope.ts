import type { XtcpContext } from './xtcp-context.js';

/** Runs what a handler does: in the plain, or within its call's async context. */
export type Scope = <T>(run: () => T) => T;

export type ScopeOf = (context: XtcpContext) => Scope;

export const inThePlain: Scope = (run) => run();
