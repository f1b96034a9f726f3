import { XtcpError, quoteForMessage } from '../errors/xtcp-error.js';
import { XtcpException } from './xtcp-exception.js';

/** The pattern under which every server says how it is. docs/protocol.md, "Reserved patterns". */
export const HEALTH_PATTERN = 'xtcp.health';

/** What an application says of its server, or of one service in it. */
export type ServingStatus = 'SERVING' | 'NOT_SERVING';

/** What is told of them: `DRAINING` comes from `drain()` alone, `UNKNOWN` is a service that was never set. */
export type HealthStatus = ServingStatus | 'DRAINING' | 'UNKNOWN';

const SETTABLE: readonly unknown[] = ['SERVING', 'NOT_SERVING'] satisfies ServingStatus[];

/**
 * How a server is, as a whole and by the names of services that its application chooses; what `xtcp.health` answers.
 * A whole server that nothing was said of is SERVING, from when it listens. From `drain()` on everything is DRAINING,
 * until it listens again, where all is as it was set.
 */
export class ServerHealth {
  /** `closed`: it does not listen yet. */
  private phase: 'closed' | 'open' | 'draining' = 'closed';
  private whole: ServingStatus = 'SERVING';
  /** Only the application adds to it, never a name from the network. */
  private readonly byService = new Map<string, ServingStatus>();

  /**
   * Says how the server is, or one service in it; neither changes the other. May be called at any time, before `listen()`
   * too, and keeps no call from being served.
   * @param service any name but an empty one; the whole server where left out
   * @throws {XtcpError} INVALID_ARGUMENT where there is no such status to set, or the name is none.
   */
  set(status: ServingStatus, service?: string): void {
    checkSaid('XtcpServer.health', status, service);
    if (service === undefined) this.whole = status;
    else this.byService.set(service, status);
  }

  /**
   * How the server is, or one service in it, now. NOT_SERVING before the server listens.
   * @param service a name; the whole server where left out or empty
   */
  status(service?: string): HealthStatus {
    if (this.phase === 'draining') return 'DRAINING';
    const set = service === undefined || service === '' ? this.whole : this.byService.get(service);
    if (set === undefined) return 'UNKNOWN';
    return this.phase === 'open' ? set : 'NOT_SERVING';
  }

  /** The names that were set, each with its status now. */
  get services(): Readonly<Record<string, HealthStatus>> {
    return Object.fromEntries([...this.byService.keys()].map((service) => [service, this.status(service)]));
  }

  /** For the server: it listens. @internal */
  opened(): void {
    this.phase = 'open';
  }

  /** For the server: it has begun to drain. @internal */
  drains(): void {
    this.phase = 'draining';
  }
}

/** What `xtcp.health` answers. */
export interface HealthAnswer {
  readonly status: HealthStatus;
  /** Where the whole server was asked for. */
  readonly services?: Readonly<Record<string, HealthStatus>>;
}

/**
 * Answers one call of `xtcp.health`.
 * @param data as it came over the network
 * @throws {XtcpException} INVALID_ARGUMENT where it is neither nothing nor a name
 */
export function answerHealth(health: ServerHealth, data: unknown): HealthAnswer {
  const service = serviceOf(data);
  return service === '' ? { status: health.status(), services: health.services } : { status: health.status(service) };
}

/** The name that is asked for; empty for the whole server. */
function serviceOf(data: unknown): string {
  if (data === undefined || data === null) return '';
  const name: unknown = typeof data === 'object' && 'service' in data ? data.service : data;
  if (typeof name === 'string') return name;
  throw new XtcpException(
    'INVALID_ARGUMENT',
    `${HEALTH_PATTERN} takes the name of a service, as text or as { "service": name }, or nothing`,
  );
}

/**
 * Checks what an application says of its health.
 * @param owner whom it says it to, for the message
 * @throws {XtcpError} INVALID_ARGUMENT where there is no such status to set, or the name is none
 */
export function checkSaid(owner: string, status: unknown, service: unknown): void {
  const wrong = (what: string): XtcpError => new XtcpError('INVALID_ARGUMENT', `${owner}: ${what}`);
  if (!SETTABLE.includes(status)) {
    throw wrong(`the status ${show(status)} cannot be set; there are ${SETTABLE.join(', ')}`);
  }
  if (service !== undefined && (typeof service !== 'string' || service === '')) {
    throw wrong(`the service ${show(service)} is no name; leave it out for the whole`);
  }
}

function show(value: unknown): string {
  return typeof value === 'string' ? quoteForMessage(value) : `(${typeof value})`;
}
