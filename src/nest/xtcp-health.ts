import { Inject, Injectable } from '@nestjs/common';

import { checkSaid, type ServingStatus } from '../server/health.js';
import type { XtcpServer } from '../server/xtcp-server.js';
import { XtcpServers } from './xtcp-servers.js';

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
  private readonly said = new Map<string | undefined, ServingStatus>();

  constructor(@Inject(XtcpServers) servers: XtcpServers) {
    servers.each.subscribe((server) => {
      this.servers.add(server);
      for (const [service, status] of this.said) server.health.set(status, service);
    });
  }

  /**
   * Says how the application is, or one service in it; neither changes the other. May be called at any time, before
   * there is a server too.
   * @param service any name but an empty one; the whole application where left out
   * @throws {XtcpError} INVALID_ARGUMENT where there is no such status, or the name is none; nothing has changed then
   */
  set(status: ServingStatus, service?: string): void {
    checkSaid('XtcpHealth', status, service);
    this.said.set(service, status);
    for (const server of this.servers) server.health.set(status, service);
  }
}
