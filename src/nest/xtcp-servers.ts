import { Inject, Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { filter, type Observable } from 'rxjs';

import { XtcpServer } from '../server/xtcp-server.js';

/** The XtcpServers of the application. */
@Injectable()
export class XtcpServers {
  /** Each that there is, and each that is connected later, as soon as it is; never completes. */
  readonly each: Observable<XtcpServer>;

  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    this.each = modules.getRpcTargetRegistry<unknown>().pipe(filter(isXtcpServer));
  }
}

export function isXtcpServer(server: unknown): server is XtcpServer {
  return server instanceof XtcpServer;
}
