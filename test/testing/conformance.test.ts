import { describe, expect, test } from 'vitest';

import type { XtcpServerOptions } from '../../src/index.js';
import { readVectors } from '../conformance/notation.js';
import { Patterns } from '../conformance/patterns.js';
import { playServer, type Reachable } from '../conformance/play-server.js';
import { startService } from '../support/service.js';
import { dialInMemory, testNetwork } from './support.js';

async function start(options: XtcpServerOptions): Promise<Reachable> {
  const network = testNetwork();
  const service = await startService([Patterns], options, undefined, (all) => network.createServer(all));
  return { service, dial: () => dialInMemory(network, service.port) };
}

describe.each(readVectors('server'))('a server in memory and %s', (_file, vectors) => {
  test.each(vectors.map((vector) => ({ name: vector.name, vector })))('$name', async ({ vector }) => {
    expect(await playServer(vector, 'byte by byte', start)).toBe(vector.steps.length);
  });
});
