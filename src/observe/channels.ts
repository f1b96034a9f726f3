import { channel } from 'node:diagnostics_channel';

/**
 * The channels of `node:diagnostics_channel` on which this package tells what it does (docs/observability.md). Where
 * nobody has subscribed to one, nothing is made to be told.
 */
export const CHANNELS = {
  /** Each carries an {@link ObservedClientCall}, the same for all that is told of one call. */
  clientCallStart: channel('xtcp:client:call:start'),
  clientCallRetry: channel('xtcp:client:call:retry'),
  clientCallEnd: channel('xtcp:client:call:end'),
  /** Each carries a {@link ClientConnectionEvent}. */
  clientConnectionOpen: channel('xtcp:client:connection:open'),
  clientConnectionClose: channel('xtcp:client:connection:close'),
  clientConnectionLost: channel('xtcp:client:connection:lost'),
  /** Each carries an {@link ObservedServerCall}, the same for both that is told of one call. */
  serverCallStart: channel('xtcp:server:call:start'),
  serverCallEnd: channel('xtcp:server:call:end'),
  /** Carries a {@link RefusedServerCall}. */
  serverCallRefuse: channel('xtcp:server:call:refuse'),
  /** Each carries a {@link ServerConnectionEvent}. */
  serverConnectionOpen: channel('xtcp:server:connection:open'),
  serverConnectionClose: channel('xtcp:server:connection:close'),
  serverConnectionRefuse: channel('xtcp:server:connection:refuse'),
  serverConnectionBreak: channel('xtcp:server:connection:break'),
} as const;
