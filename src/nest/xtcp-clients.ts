import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';

import { XtcpClient } from '../client/xtcp-client.js';
import { XtcpError, quoteForMessage } from '../errors/xtcp-error.js';
import {
  MODULE_OPTIONS_TOKEN,
  readClients,
  REGISTRATION,
  type Registration,
  type XtcpClientDefinition,
  type XtcpModuleOptions,
} from './module-options.js';

/** The clients of one registration of XtcpModule. */
@Injectable()
export class XtcpClients implements OnApplicationShutdown {
  private readonly clients: ReadonlyMap<string, XtcpClient>;

  /** @throws {XtcpError} INVALID_ARGUMENT where the options are wrong, naming the client */
  constructor(
    @Inject(MODULE_OPTIONS_TOKEN) options: XtcpModuleOptions,
    @Inject(REGISTRATION) registration: Registration,
  ) {
    this.clients = new Map(readClients(options, registration).map((client) => [client.name, clientOf(client)]));
  }

  get(name: string): XtcpClient {
    return this.clients.get(name)!;
  }

  /** Nest calls it behind the end of the servers, and so of the handlers that call through these clients. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.clients.values()].map((client) => client.close()));
  }
}

function clientOf({ name, options }: XtcpClientDefinition): XtcpClient {
  try {
    return new XtcpClient(options);
  } catch (error) {
    if (!(error instanceof XtcpError)) throw error;
    const { code, message } = error;
    throw new XtcpError(code, `XtcpModule, the client ${quoteForMessage(name)}: ${message}`, { cause: error });
  }
}
