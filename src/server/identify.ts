import { XtcpError } from '../errors/xtcp-error.js';
import type { Authenticate, ClientHello, ClientPeer } from '../options/authenticate.js';
import { XtcpException } from './xtcp-exception.js';

/**
 * Asks the application who a client is.
 * @throws {XtcpError} UNAUTHENTICATED where it throws: with the message of an {@link XtcpException}, which is meant for
 * the client. Any other may say more than that, or hold the token, and goes no further.
 */
export async function identify(authenticate: Authenticate, hello: ClientHello, peer: ClientPeer): Promise<unknown> {
  try {
    return await authenticate(hello, peer);
  } catch (error) {
    const message = error instanceof XtcpException ? error.message : 'authenticate turned the client away';
    throw new XtcpError('UNAUTHENTICATED', message, { executed: false });
  }
}
