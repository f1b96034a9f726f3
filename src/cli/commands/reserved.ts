import { Connection, type ConnectionFlags } from '../connection.js';
import type { Io } from '../io.js';
import { XtcpError } from '../../errors/xtcp-error.js';

/**
 * What a server answers to a pattern of the transport's own.
 * @param missing what a server that has no such pattern lacks
 * @throws {XtcpError} UNIMPLEMENTED where it has not, PROTOCOL_ERROR where the answer is no object
 */
export async function askReserved(
  { interrupt }: Io,
  target: string,
  pattern: string,
  data: string | undefined,
  flags: ConnectionFlags & { readonly timeout: number },
  missing: string,
): Promise<Record<string, unknown>> {
  const connection = new Connection(target, flags);
  const { endpoint } = connection;
  try {
    const answer = await connection.ask({
      pattern,
      data,
      timeoutMs: flags.timeout,
      payload: 'json',
      signal: interrupt.signal,
    });
    if (typeof answer === 'object' && answer !== null) return answer as Record<string, unknown>;
    throw new XtcpError('PROTOCOL_ERROR', 'the server answers with something else');
  } catch (error) {
    if (!(error instanceof XtcpError)) throw error;
    if (error.code !== 'UNIMPLEMENTED') throw error.ofCall(pattern, endpoint);
    throw new XtcpError('UNIMPLEMENTED', missing).ofCall(pattern, endpoint);
  } finally {
    await connection.close();
  }
}
