import { Inject, Injectable } from '@nestjs/common';

import { XtcpError } from '../errors/xtcp-error.js';
import type { XtcpServer } from '../server/xtcp-server.js';
import { XtcpServers } from './xtcp-servers.js';

/** What an application says of itself, or of one of its services. */
export type XtcpHealthStatus = 'SERVING' | 'NOT_SERVING';

const STATUSES: readonly unknown[] = ['SERVING', 'NOT_SERVING'] satisfies XtcpHealthStatus[];

/** What a server answers to `xtcp.health`. */
interface ServerHealth {
  set(status: XtcpHealthStatus, service?: string): void;
}

/**
 * The health of the application, as all of its XtcpServers answer it to `xtcp.health`, those that are connected later
 * too. XtcpModule provides it:
 *
 *     constructor(private readonly health: XtcpHealth) {}
 *     this.health.set('NOT_SERVING', 'orders');
 */
@Injectable()
export class XtcpHealth {
  private readonly servers = new Set<XtcpServer>();
  /** What was said last, by service; undefined stands for the whole application. */
  private readonly said = new Map<string | undefined, XtcpHealthStatus>();

  constructor(@Inject(XtcpServers) servers: XtcpServers) {
    servers.each.subscribe((server) => {
      this.servers.add(server);
      for (const [service, status] of this.said) healthOf(server)?.set(status, service);
    });
  }

  /**
   * Says how the application is, or one service in it; neither changes the other. May be called at any time, before
   * there is a server too.
   * @param service any name but an empty one; the whole application where left out
   * @throws {XtcpError} INVALID_ARGUMENT where there is no such status, or the name is none; nothing has changed then
   */
  set(status: XtcpHealthStatus, service?: string): void {
    if (!STATUSES.includes(status)) {
      throw new XtcpError(
        'INVALID_ARGUMENT',
        `XtcpHealth: there is no such status to set; there are ${STATUSES.join(', ')}`,
      );
    }
    if (service !== undefined && (typeof service !== 'string' || service === '')) {
      throw new XtcpError('INVALID_ARGUMENT', 'XtcpHealth: the service is no name; leave it out for all of them');
    }
    this.said.set(service, status);
    for (const server of this.servers) healthOf(server)?.set(status, service);
  }
}

/** Undefined for a server that tells nobody of its health. */
function healthOf(server: XtcpServer): ServerHealth | undefined {
  return (server as { health?: ServerHealth }).health;
}
