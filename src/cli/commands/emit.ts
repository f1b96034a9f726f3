import { Connection, namedCall } from '../connection.js';
import { readData } from '../data.js';
import { EXIT } from '../exit-codes.js';
import type { Io } from '../io.js';
import type { EventAck } from '../../options/client-options.js';
import type { MadeCallFlags } from './call.js';

export interface EmitFlags extends MadeCallFlags {
  readonly ack: EventAck;
}

/** `xtcp emit`: prints nothing. */
export async function emit(
  { interrupt }: Io,
  target: string,
  pattern: string,
  words: string | undefined,
  flags: EmitFlags,
): Promise<number> {
  const connection = new Connection(target, flags);
  const data = await readData(words, flags, interrupt.signal);
  try {
    await connection.ask({
      kind: 'event',
      pattern,
      data,
      metadata: flags.meta,
      timeoutMs: flags.timeout,
      payload: flags.payload,
      ack: flags.ack,
      signal: interrupt.signal,
    });
  } catch (error) {
    throw namedCall(error, pattern, connection.endpoint);
  } finally {
    await connection.close();
  }
  return EXIT.ok;
}
