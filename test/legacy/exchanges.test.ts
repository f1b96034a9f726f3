import { lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';

import { XtcpError, type XtcpClient } from '../../src/index.js';
import { RawPeer, rawServer } from '../support/raw.js';
import { clientOf, startService } from '../support/service.js';
import { called, exchanges, served, type Afterwards, type Called, type Outcome, type Said } from './exchanges.js';
import { frame, octets } from './frames.js';
import { OldMethods } from './old-methods.js';
import { hasPython, oldServer } from './python.js';

/**
 * Sends a request to a server and returns what it says. What is expected only tells for what to wait: for the end of
 * the connection, or for so many bytes, behind which `call` has another connection answered.
 */
async function ask(port: number, request: string, expected: Said, call: () => Promise<void>): Promise<Said> {
  const peer = await RawPeer.dial(port);
  peer.send(octets(request));
  if (expected.afterwards === 'open') {
    const answer = await peer.take(expected.answer.length);
    await call();
    return { answer: answer + peer.bytes, afterwards: afterwardsOf(peer) };
  }
  const answer = await peer.takeAll();
  return { answer, afterwards: afterwardsOf(peer) };
}

function afterwardsOf(peer: RawPeer): Afterwards {
  if (peer.error !== undefined) return 'resets';
  return peer.ended ? 'closes' : 'open';
}

/** A server that answers one recorded request with what the old server said, piece by piece. */
async function replay(
  exchange: Called,
  pieces: readonly string[],
): Promise<{ client: XtcpClient; requests: string[] }> {
  const requests: string[] = [];
  const { port } = await rawServer(async (peer) => {
    requests.push(await peer.take(exchange.request.length));
    for (const piece of pieces) {
      await new Promise<void>((resolve) => {
        peer.socket.write(octets(piece), () => {
          resolve();
        });
      });
    }
    if (exchange.oldServer.afterwards === 'resets') peer.socket.resetAndDestroy();
    else peer.socket.end();
  });
  return { client: clientOf(port), requests };
}

/** What our client makes of a call; without the end of the error's message, which says which call it was. */
async function outcomeOf({ call }: Called, client: XtcpClient): Promise<Outcome> {
  try {
    return { value: await lastValueFrom(client.send<string>(call.pattern, call.data)) };
  } catch (error) {
    if (!(error instanceof XtcpError)) throw error;
    const { code, message, pattern, endpoint } = error;
    return { code, message: message.replace(` (calling ${JSON.stringify(pattern)} at ${endpoint})`, '') };
  }
}

const TRACEBACK = /^\d+\r\n(Traceback \(most recent call last\):)\n(.*)\n(.+)\n\r\n\r\n$/s;

/** An answer, of a traceback only the first and the last line: the others differ from Python to Python. */
function cut({ answer, afterwards }: Said): Said {
  return { answer: answer.replace(TRACEBACK, '$1 … $3'), afterwards };
}

describe('our client, answered as the server of xtcp 0.2 did', () => {
  it.each(called)('takes it as it is meant: $name', async (exchange) => {
    const { client, requests } = await replay(exchange, [exchange.oldServer.answer].filter(Boolean));
    expect(await outcomeOf(exchange, client)).toEqual(exchange.ourClient);
    expect(requests).toEqual([exchange.request]);
  });

  it.each(called)('takes it byte by byte: $name', async (exchange) => {
    const { client, requests } = await replay(exchange, exchange.oldServer.answer.split(''));
    expect(await outcomeOf(exchange, client)).toEqual(exchange.ourClient);
    expect(requests).toEqual([exchange.request]);
  });

  it.each(called.filter(({ oldServer: said }) => TRACEBACK.test(said.answer)))(
    'keeps the upper part of the traceback: $name',
    async (exchange) => {
      const { client } = await replay(exchange, [exchange.oldServer.answer]);
      const { pattern, data } = exchange.call;
      const error: unknown = await lastValueFrom(client.send(pattern, data)).catch((reason: unknown) => reason);
      const [, first, middle] = TRACEBACK.exec(exchange.oldServer.answer) ?? [];
      expect(error).toMatchObject({ code: 'INTERNAL', details: `${first}\n${middle}` });
    },
  );
});

describe('our server, asked as the client of xtcp 0.2 did', () => {
  it.each(served)('answers as documented: $name', async ({ request, ourServer }) => {
    const { port } = await startService([OldMethods]);
    const other = await RawPeer.dial(port);
    const call = async (): Promise<void> => {
      other.send(octets(frame('toupper', 'x')));
      expect(await other.take(frame('X').length)).toBe(frame('X'));
    };
    expect(await ask(port, request, ourServer, call)).toEqual(ourServer);
  });
});

describe.skipIf(!hasPython)('the recorded exchanges', () => {
  const server = oldServer();

  it.each(exchanges)('are what the server of xtcp 0.2 says: $name', async ({ request, oldServer: recorded }) => {
    const call = async (): Promise<void> => {
      const other = await RawPeer.dial(server.port);
      other.send(octets(frame('toupper', 'x')));
      expect(await other.takeAll()).toBe(frame('X'));
      other.socket.end();
    };
    const said = await ask(server.port, request, recorded, call);
    expect(cut(said)).toEqual(cut(recorded));
  });
});
