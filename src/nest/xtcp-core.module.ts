import { Inject, Module, type NestInterceptor, type OnModuleInit } from '@nestjs/common';
import { APP_INTERCEPTOR, DiscoveryModule, ModulesContainer } from '@nestjs/core';

import { XtcpError, quoteForMessage } from '../errors/xtcp-error.js';
import { DeclaredHandlers } from './declared-handlers.js';
import { IteratorErrorsInterceptor } from './iterator-errors.interceptor.js';
import { REGISTRATION, type Registration } from './module-options.js';
import { PayloadDescriptions } from './payload-descriptions.js';
import { XtcpHealth } from './xtcp-health.js';
import { XtcpServers } from './xtcp-servers.js';

/** What an application has once, however often it registers XtcpModule. */
@Module({
  imports: [DiscoveryModule],
  providers: [
    XtcpServers,
    XtcpHealth,
    DeclaredHandlers,
    PayloadDescriptions,
    { provide: APP_INTERCEPTOR, useFactory: iteratorErrorsInterceptor, inject: [ModulesContainer] },
  ],
  exports: [XtcpHealth],
})
export class XtcpCoreModule implements OnModuleInit {
  constructor(@Inject(ModulesContainer) private readonly modules: ModulesContainer) {}

  /** @throws {XtcpError} INVALID_ARGUMENT where two registrations give one module the same name */
  onModuleInit(): void {
    for (const { name: importing, imports } of this.modules.values()) {
      const seen = new Set<string>();
      for (const module of imports) {
        for (const name of registrationOf(module)?.names ?? []) {
          if (seen.has(name)) throw givenTwice(name, importing);
          seen.add(name);
        }
      }
    }
  }
}

/** Nest skips a factory's nothing, so that no call is the slower for it where it is not wanted. */
function iteratorErrorsInterceptor(modules: ModulesContainer): NestInterceptor | undefined {
  const registrations = [...modules.values()].map(registrationOf);
  const isWanted = registrations.every((registration) => registration?.iteratorErrors ?? true);
  return isWanted ? new IteratorErrorsInterceptor() : undefined;
}

type Module = NonNullable<ReturnType<ModulesContainer['getById']>>;

/** What a module says, where it is a registration of XtcpModule. */
function registrationOf({ providers }: Module): Registration | undefined {
  return providers.get(REGISTRATION)?.instance as Registration | undefined;
}

function givenTwice(name: string, importing: string): XtcpError {
  return new XtcpError(
    'INVALID_ARGUMENT',
    `XtcpModule: the client ${quoteForMessage(name)} is given twice to ${importing}, by two registrations that it ` +
      'imports or that are global: rename one, or register it once and import that',
  );
}
