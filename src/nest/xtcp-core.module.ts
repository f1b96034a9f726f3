import { Inject, Module, type NestInterceptor, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { APP_INTERCEPTOR, DiscoveryModule, ModulesContainer } from '@nestjs/core';

import { XtcpError, quoteForMessage } from '../errors/xtcp-error.js';
import { XtcpMetrics, type XtcpMetricsOptions } from '../prometheus/xtcp-metrics.js';
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
export class XtcpCoreModule implements OnModuleInit, OnApplicationShutdown {
  private metrics: readonly XtcpMetrics[] = [];

  constructor(@Inject(ModulesContainer) private readonly modules: ModulesContainer) {}

  /**
   * @throws {XtcpError} INVALID_ARGUMENT where two registrations give one module the same name, or there are no metrics to
   * be had
   */
  onModuleInit(): void {
    this.checkNames();
    // Before anything listens or connects, so that all is counted.
    this.metrics = registrationsOf(this.modules)
      .map(({ metrics }) => metrics)
      .filter((options) => options !== undefined)
      .map((options) => new XtcpMetrics(options as XtcpMetricsOptions));
  }

  onApplicationShutdown(): void {
    for (const metrics of this.metrics) metrics.stop();
  }

  private checkNames(): void {
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
  const isWanted = registrationsOf(modules).every(({ iteratorErrors }) => iteratorErrors);
  return isWanted ? new IteratorErrorsInterceptor() : undefined;
}

function registrationsOf(modules: ModulesContainer): Registration[] {
  return [...modules.values()].map(registrationOf).filter((registration) => registration !== undefined);
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
