import type { Contender } from './contender.js';
import type * as Library from './xtcp.js';

interface Entry {
  /** As tables and plots name it. */
  readonly label: string;
  /** Imports what it needs, so that no process has more in it than its contender. */
  load(): Promise<Contender>;
}

const library = (): Promise<typeof Library> => import('./xtcp.js');

/** By the names that loads, targets and results use. */
export const CONTENDERS = {
  session: { label: 'xtcp session', load: async () => (await library()).session },
  'session-json': { label: 'xtcp session, JSON', load: async () => (await library()).sessionJson },
  'session-record': { label: 'deadline and metadata', load: async () => (await library()).sessionWithRecord },
  'session-inherit': { label: 'the same, inherit: true', load: async () => (await library()).sessionWithInherit },
  'session-unacked': { label: "xtcp session, ack: 'none'", load: async () => (await library()).sessionUnacked },
  classic: { label: 'xtcp classic, pipelined', load: async () => (await library()).classic },
  'nest-tcp': { label: 'Nest TCP', load: async () => (await import('./nest-tcp.js')).nestTcp },
  'nest-grpc': { label: 'Nest gRPC', load: async () => (await import('./nest-grpc.js')).nestGrpc },
  limit: { label: 'the limit', load: async () => (await import('./limit/limit.js')).limit },
  'bare-socket': { label: 'a bare socket', load: async () => (await import('./bare-socket.js')).bareSocket },
} satisfies Record<string, Entry>;

export type ContenderName = keyof typeof CONTENDERS;
