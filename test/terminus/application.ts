import { type AddressInfo } from 'node:net';

import { Controller, Get, Inject } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientsModule, type ClientProxy } from '@nestjs/microservices';
import { HealthCheck, HealthCheckService, TerminusModule, type HealthCheckResult } from '@nestjs/terminus';
import { onTestFinished } from 'vitest';

import { XtcpClient, type XtcpClientOptions } from '../../src/index.js';
import { XtcpHealthIndicator, type XtcpPingCheckOptions } from '../../src/terminus/index.js';
import { moduleOf } from '../support/service.js';

/** What `GET /health` answered. */
export interface Health {
  readonly http: number;
  readonly status: string;
  /** Of the one check, `upper`. */
  readonly upper: unknown;
  /** All of it, as it came. */
  readonly text: string;
}

export interface HttpApplication {
  /** Asks `GET /health` over HTTP. */
  readonly health: () => Promise<Health>;
  /** The client that its checks use. */
  readonly client: XtcpClient;
}

/**
 * A real Nest application with Terminus that answers HTTP, and checks an xtcp server; closed when the test ends.
 * @param beforeCheck runs in the request, at once before the check
 */
export async function httpApplication(
  client: XtcpClientOptions,
  options: XtcpPingCheckOptions = {},
  beforeCheck: () => void = () => {},
): Promise<HttpApplication> {
  @Controller('health')
  class HealthController {
    constructor(
      @Inject(HealthCheckService) private readonly checks: HealthCheckService,
      @Inject(XtcpHealthIndicator) private readonly xtcp: XtcpHealthIndicator,
      @Inject('UPPER') private readonly upper: ClientProxy,
    ) {}

    @Get()
    @HealthCheck()
    check(): Promise<HealthCheckResult> {
      beforeCheck();
      return this.checks.check([() => this.xtcp.pingCheck('upper', this.upper, options)]);
    }
  }
  const clients = ClientsModule.register([{ name: 'UPPER', customClass: XtcpClient, options: client }]);
  const app = await NestFactory.create(
    moduleOf({
      imports: [TerminusModule.forRoot({ logger: false }), clients],
      controllers: [HealthController],
      providers: [XtcpHealthIndicator],
    }),
    { logger: false },
  );
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as { address: () => AddressInfo }).address();
  return {
    client: app.get('UPPER', { strict: false }),
    health: async () => {
      const response = await fetch(`http://127.0.0.1:${port}/health`, { headers: { connection: 'close' } });
      const text = await response.text();
      const { status, details } = JSON.parse(text) as HealthCheckResult;
      return { http: response.status, status, upper: details['upper'], text };
    },
  };
}
