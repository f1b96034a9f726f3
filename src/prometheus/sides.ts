import type { Channel } from 'node:diagnostics_channel';

import { CHANNELS } from '../observe/channels.js';
import type { ObservedClientCall } from '../observe/client-call.js';
import type { ClientConnectionEvent } from '../observe/connections.js';
import type { RefusedServerCall } from '../observe/server-call.js';
import { countCalls } from './call-metrics.js';
import type { Collection } from './collection.js';

/** Counts the connections of one side as they come and go. */
function countConnections(
  collection: Collection,
  side: 'client' | 'server',
  opened: string,
  open: Channel,
  close: Channel,
): void {
  const now = collection.gauge(`xtcp_${side}_connections`, 'Connections that are open');
  const total = collection.counter(`xtcp_${side}_connections_opened_total`, opened);
  let count = 0;
  collection.on(open, () => {
    now.set(++count);
    total.inc();
  });
  collection.on(close, () => {
    // Some may have been opened before anybody counted.
    if (count > 0) now.set(--count);
  });
}

/** What clients do. */
export function countClients(collection: Collection): void {
  const { clientCallStart, clientCallEnd } = CHANNELS;
  const labelOf = countCalls(collection, 'client', 'made', clientCallStart, clientCallEnd);
  const retries = collection.counter('xtcp_client_retries_total', 'Times that a call was made again', 'pattern');
  collection.on<ObservedClientCall>(CHANNELS.clientCallRetry, (call) => {
    const pattern = labelOf(call);
    if (pattern !== undefined) retries.inc({ pattern });
  });
  const { clientConnectionOpen, clientConnectionClose } = CHANNELS;
  countConnections(collection, 'client', 'Connections that were opened', clientConnectionOpen, clientConnectionClose);
  const lost = collection.counter(
    'xtcp_client_connections_lost_total',
    'Connections that could not be opened, or were lost while calls were on them, by what was wrong',
    'code',
  );
  collection.on<ClientConnectionEvent>(CHANNELS.clientConnectionLost, ({ error }) => {
    lost.inc({ code: error?.code ?? 'UNAVAILABLE' });
  });
}

/** What servers do. */
export function countServers(collection: Collection): void {
  countCalls(collection, 'server', 'served', CHANNELS.serverCallStart, CHANNELS.serverCallEnd);
  const refusedCalls = collection.counter(
    'xtcp_server_refused_calls_total',
    'Calls and events that no handler ran for, by why',
    'code',
  );
  collection.on<RefusedServerCall>(CHANNELS.serverCallRefuse, ({ code }) => {
    refusedCalls.inc({ code });
  });
  const { serverConnectionOpen, serverConnectionClose } = CHANNELS;
  const taken = 'Connections that were taken, probes among them';
  countConnections(collection, 'server', taken, serverConnectionOpen, serverConnectionClose);
  const refused = collection.counter(
    'xtcp_server_connections_refused_total',
    'Connections that were turned away, since too many were open',
  );
  collection.on(CHANNELS.serverConnectionRefuse, () => {
    refused.inc();
  });
  const broken = collection.counter(
    'xtcp_server_connections_broken_total',
    'Connections that were closed for what their clients did',
  );
  collection.on(CHANNELS.serverConnectionBreak, () => {
    broken.inc();
  });
}
