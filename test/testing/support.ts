import { once } from 'node:events';

import { onTestFinished } from 'vitest';

import type { XtcpClient, XtcpClientOptions, XtcpServerOptions } from '../../src/index.js';
import { XtcpTestNetwork, type XtcpTestNetworkOptions } from '../../src/testing/index.js';
import { faultService, type FaultService } from '../faults/support/service.js';
import { RawPeer } from '../support/raw.js';

/** A network that is closed, with all that is on it, when the test ends. */
export function testNetwork(options: XtcpTestNetworkOptions = {}): XtcpTestNetwork {
  const network = new XtcpTestNetwork(options);
  onTestFinished(() => network.close());
  return network;
}

export async function dialInMemory(network: XtcpTestNetwork, port: number): Promise<RawPeer> {
  const socket = network.connect({ port, allowHalfOpen: true });
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  return new RawPeer(socket);
}

export interface Joined extends FaultService {
  readonly network: XtcpTestNetwork;
  readonly client: XtcpClient;
}

/** A service whose calls wait until the test releases them, and a client of it, on one network. */
export async function joined(
  clientOptions: XtcpClientOptions = {},
  serverOptions: XtcpServerOptions = {},
  network = testNetwork(),
): Promise<Joined> {
  const service = await faultService(serverOptions, (all) => network.createServer(all));
  // Without this a test that fails would wait for the calls that wait.
  onTestFinished(() => {
    service.release();
  });
  const client = network.createClient({ port: service.port, ...clientOptions });
  return { ...service, network, client };
}

/** What a call failed with. */
export async function failureOf(outcome: Promise<unknown>): Promise<unknown> {
  return outcome.then(
    (value) => {
      throw new Error(`it did not fail, but gave ${String(value)}`);
    },
    (error: unknown) => error,
  );
}
