import { Module, type DynamicModule } from '@nestjs/common';

import { getXtcpClientToken } from './client-token.js';
import {
  ConfigurableModuleClass,
  readAsyncRegistration,
  readRegistration,
  REGISTRATION,
  type Registration,
  type XtcpModuleAsyncOptions,
  type XtcpModuleExtras,
  type XtcpModuleOptions,
} from './module-options.js';
import { XtcpClients } from './xtcp-clients.js';
import { XtcpCoreModule } from './xtcp-core.module.js';

/**
 * What an application needs around XtcpServer and XtcpClient (docs/module.md): clients by name, which connect and close
 * with it; {@link XtcpHealth}; schemas for `xtcp.patterns`; iterators' errors brought to the exception filters. May be
 * registered any number of times.
 *
 *     imports: [XtcpModule.register({ clients: [{ name: 'UPPER', options: { port: 8001 } }] })]
 */
@Module({ imports: [XtcpCoreModule], exports: [XtcpCoreModule] })
export class XtcpModule extends ConfigurableModuleClass {
  /** @throws {XtcpError} INVALID_ARGUMENT where the options are wrong, a name that is given twice among them */
  static override register<const Name extends string>(
    options: XtcpModuleOptions<Name> & XtcpModuleExtras = {},
  ): DynamicModule {
    const registration = readRegistration(options);
    return withClients(super.register(options), registration);
  }

  /** @throws {XtcpError} INVALID_ARGUMENT where the options are wrong, a name that is given twice among them */
  static override registerAsync<const Name extends string>(options: XtcpModuleAsyncOptions<Name>): DynamicModule {
    const registration = readAsyncRegistration(options);
    return withClients(super.registerAsync(options), registration);
  }
}

function withClients(definition: DynamicModule, registration: Registration): DynamicModule {
  const clients = registration.names.map((name) => ({
    provide: getXtcpClientToken(name),
    useFactory: (made: XtcpClients) => made.get(name),
    inject: [XtcpClients],
  }));
  return {
    ...definition,
    providers: [
      ...(definition.providers ?? []),
      { provide: REGISTRATION, useValue: registration },
      XtcpClients,
      ...clients,
    ],
    exports: [...(definition.exports ?? []), ...clients.map(({ provide }) => provide)],
  };
}
