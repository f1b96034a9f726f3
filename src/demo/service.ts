import 'reflect-metadata';

import { NestFactory } from '@nestjs/core';

import { XtcpServer } from '../index.js';
import { address } from './address.js';
import { AppModule } from './app.module.js';

/** The service of the README: `npm start`. Serves until SIGINT or SIGTERM, then drains and exits with 0. */
async function serve(): Promise<void> {
  const app = await NestFactory.createMicroservice(AppModule, {
    strategy: new XtcpServer(address),
    logger: ['error', 'warn'],
  });
  app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
  await app.listen();
  console.log(`toupper is served on ${address.host}:${address.port}`);
  // For a parent process, such as the demo, that waits for the service to be ready.
  process.send?.('ready');
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return `${address.host}:${address.port} is taken by another program: stop that one, or set PORT to a free port`;
  }
  return error.message;
}

serve().catch((error: unknown) => {
  console.error(`The service cannot start: ${describe(error)}`);
  process.exit(1);
});
