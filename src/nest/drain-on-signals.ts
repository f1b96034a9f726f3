import type { INestApplication, INestMicroservice } from '@nestjs/common';

import type { XtcpServer } from '../server/xtcp-server.js';
import { isXtcpServer } from './xtcp-servers.js';

export interface DrainOptions {
  /** The signals to take. Default SIGTERM and SIGINT. */
  signals?: readonly NodeJS.Signals[] | undefined;
  /** Milliseconds that calls have to end. Default: each server's own `gracePeriodMs`. */
  gracePeriodMs?: number | undefined;
}

/**
 * Takes the place of `app.enableShutdownHooks()`. On a signal, Nest runs the application's own `onModuleDestroy` before
 * it closes its transports, so that what handlers need may be gone while calls still run. With this, every XtcpServer
 * of the application drains first, and then Nest shuts down as it does, with the same signal, by which the process
 * ends in the end (exit status 143 for SIGTERM). A second signal ends it at once.
 *
 *     const app = await NestFactory.createMicroservice(AppModule, { strategy: new XtcpServer() });
 *     drainOnSignals(app);
 *     await app.listen();
 *
 * @param app a microservice, or an application with connected microservices
 * @returns what takes the signals no longer; not needed where the application closes its servers by itself
 */
export function drainOnSignals(app: INestApplication | INestMicroservice, options: DrainOptions = {}): () => void {
  const { signals = ['SIGTERM', 'SIGINT'], gracePeriodMs } = options;
  let isDraining = false;
  const stop = (): void => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isDraining) {
      stop();
      process.kill(process.pid, signal);
      return;
    }
    isDraining = true;
    const drained = serversOf(app).map((server) => server.drain(gracePeriodMs));
    void Promise.all(drained).then(() => {
      stop();
      app.enableShutdownHooks([signal]);
      // Not by a signal: it would come a turn of the event loop later, by which time nothing may keep the process.
      process.emit(signal, signal);
    });
  };
  for (const signal of signals) process.on(signal, onSignal);
  const servers = serversOf(app);
  let open = servers.length;
  for (const server of servers) {
    server.on('close', () => {
      if (--open === 0 && !isDraining) stop();
    });
  }
  return stop;
}

function serversOf(app: INestApplication | INestMicroservice): XtcpServer[] {
  const microservices = 'getMicroservices' in app ? app.getMicroservices() : [app];
  return microservices.map((microservice) => microservice.getTransportServer()).filter(isXtcpServer);
}
