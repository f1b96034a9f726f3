/** What a process holds. */
export interface Figures {
  /** Bytes of objects and buffers, behind a garbage collection where Node lets us have one (--expose-gc). */
  readonly held: number;
  /** Sockets, servers, timers and the like. */
  readonly handles: number;
}

export function figuresOfThis(): Figures {
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  // Those of the standard streams and of a pause are there by chance.
  const chance = new Set(['TTYWrap', 'PipeWrap', 'Immediate', 'TickObject', 'FSReqCallback', 'FSReqPromise']);
  const handles = process.getActiveResourcesInfo().filter((kind) => !chance.has(kind)).length;
  return { held: heapUsed + arrayBuffers, handles };
}
