import { describe, expect, test } from 'vitest';

import type { XtcpServerOptions } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { startService } from '../support/service.js';
import { readVectors } from './notation.js';
import { Patterns } from './patterns.js';
import { playServer, type Reachable } from './play-server.js';

async function start(options: XtcpServerOptions): Promise<Reachable> {
  const service = await startService([Patterns], options);
  return { service, dial: () => RawPeer.dial(service.port) };
}

describe.each(readVectors('server'))('a server and %s', (_file, vectors) => {
  describe.each(vectors.map((vector) => ({ name: vector.name, vector })))('$name', ({ vector }) => {
    test.each(['whole', 'byte by byte'] as const)('%s', async (cut) => {
      expect(await playServer(vector, cut, start)).toBe(vector.steps.length);
    });
  });
});
