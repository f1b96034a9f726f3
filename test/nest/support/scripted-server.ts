import { rawServer, type RawPeer } from '../../support/raw.js';
import { takeRequest } from './classic.js';
import { Happenings } from './deferred.js';

/** A request as a scripted server got it. */
export interface GotRequest {
  readonly method: string;
  readonly params: string;
  /** The number of the connection that it came on, from 1. */
  readonly connection: number;
}

export interface ScriptedServer {
  readonly port: number;
  /** Every request that arrived, in order. */
  readonly requests: Happenings<GotRequest>;
  /** Every connection that was opened. */
  readonly peers: Happenings<RawPeer>;
}

/** A server of the test's own making: takes each request, and does with its connection what `script` says. */
export async function scriptedServer(script: (peer: RawPeer, got: GotRequest) => void): Promise<ScriptedServer> {
  const requests = new Happenings<GotRequest>();
  const peers = new Happenings<RawPeer>();
  const serve = async (peer: RawPeer, connection: number): Promise<void> => {
    for (;;) {
      await peer.until(() => peer.bytes !== '' || peer.ended || peer.closed);
      if (peer.bytes === '' || peer.closed) return;
      const got = { ...(await takeRequest(peer)), connection };
      requests.add(got);
      script(peer, got);
    }
  };
  const { port } = await rawServer((peer, connection) => {
    // A client that goes closes its side; so does this one.
    peer.socket.on('end', () => peer.socket.end());
    peers.add(peer);
    void serve(peer, connection);
  });
  return { port, requests, peers };
}
