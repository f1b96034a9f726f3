/** Runs what a handler does, its call, its subscription, each step of its iterator: in the plain, or within something. */
export type Scope = <T>(run: () => T) => T;

export const inThePlain: Scope = (run) => run();
