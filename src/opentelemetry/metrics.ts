import { metrics, type Attributes, type MeterProvider } from '@opentelemetry/api';

import type { ClientConnectionEvent } from '../observe/connections.js';
import type { ObservedCall } from '../observe/observed-call.js';
import type { RefusedServerCall } from '../observe/server-call.js';
import { ATTRIBUTE, outcomeAttributes, serverAttributes, SYSTEM } from './attributes.js';

type Side = 'client' | 'server';

/** The conventions' boundaries for durations, in seconds. */
const BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

const SERVERS: Attributes = { [ATTRIBUTE.system]: SYSTEM };

/** The metrics of both sides. All that is counted up is counted down again, by {@link settle} at the latest. */
export class CallMetrics {
  private provider: MeterProvider | undefined;
  private given: MeterProvider | undefined;
  private made: Instruments | undefined;
  /** Connections counted as open, by what they are counted under. */
  private readonly open = new Map<string, { readonly side: Side; readonly attributes: Attributes; count: number }>();

  constructor(
    private readonly name: string,
    private readonly version: string,
  ) {}

  setProvider(provider: MeterProvider): void {
    this.given = provider;
  }

  callStarted(side: Side, attributes: Attributes): void {
    this.instruments[side].active.add(1, attributes);
  }

  callEnded(side: Side, attributes: Attributes, call: ObservedCall): void {
    const { active, duration, io } = this.instruments[side];
    active.add(-1, attributes);
    duration.record((call.durationMs ?? 0) / 1000, { ...attributes, ...outcomeAttributes(call, side) });
    if (call.sentBytes > 0) io.add(call.sentBytes, { ...attributes, [ATTRIBUTE.direction]: 'transmit' });
    if (call.receivedBytes > 0) io.add(call.receivedBytes, { ...attributes, [ATTRIBUTE.direction]: 'receive' });
  }

  /** It is not watched any more. */
  callLeft(side: Side, attributes: Attributes): void {
    this.instruments[side].active.add(-1, attributes);
  }

  callRetried(attributes: Attributes, call: ObservedCall): void {
    this.instruments.retries.add(1, { ...attributes, [ATTRIBUTE.errorType]: call.error?.code });
  }

  callRefused({ code }: RefusedServerCall): void {
    this.instruments.refused.add(1, { ...SERVERS, [ATTRIBUTE.statusCode]: code });
  }

  clientConnectionOpened({ endpoint }: ClientConnectionEvent): void {
    this.opened('client', endpoint);
  }

  clientConnectionClosed({ endpoint }: ClientConnectionEvent): void {
    this.closed('client', endpoint);
  }

  serverConnectionOpened(): void {
    this.opened('server', '');
  }

  serverConnectionClosed(): void {
    this.closed('server', '');
  }

  /** Nothing is watched any more. */
  settle(): void {
    for (const { side, attributes, count } of this.open.values()) {
      this.instruments[side].connections.add(-count, attributes);
    }
    this.open.clear();
  }

  private opened(side: Side, endpoint: string): void {
    let open = this.open.get(endpoint);
    if (open === undefined) {
      const attributes = side === 'server' ? SERVERS : { ...SERVERS, ...serverAttributes(endpoint) };
      open = { side, attributes, count: 0 };
      this.open.set(endpoint, open);
    }
    open.count++;
    this.instruments[side].connections.add(1, open.attributes);
  }

  private closed(side: Side, endpoint: string): void {
    const open = this.open.get(endpoint);
    // One that was opened before anybody watched was not counted.
    if (open === undefined) return;
    if (--open.count === 0) this.open.delete(endpoint);
    this.instruments[side].connections.add(-1, open.attributes);
  }

  /** Made when they are needed: before an application has set its provider, the API gives those that do nothing. */
  private get instruments(): Instruments {
    const provider = this.given ?? metrics.getMeterProvider();
    if (this.made === undefined || provider !== this.provider) {
      this.provider = provider;
      this.made = makeInstruments(provider, this.name, this.version);
    }
    return this.made;
  }
}

type Instruments = ReturnType<typeof makeInstruments>;

function makeInstruments(provider: MeterProvider, name: string, version: string) {
  const meter = provider.getMeter(name, version);
  const ofSide = (side: Side) => ({
    duration: meter.createHistogram(`rpc.${side}.call.duration`, {
      description: side === 'client' ? 'Duration of outgoing calls.' : 'Duration of incoming calls.',
      unit: 's',
      advice: { explicitBucketBoundaries: BOUNDARIES },
    }),
    active: meter.createUpDownCounter(`xtcp.${side}.active_calls`, {
      description: 'Calls and events that are under way.',
      unit: '{call}',
    }),
    io: meter.createCounter(`xtcp.${side}.io`, { description: 'Bytes of payloads.', unit: 'By' }),
    connections: meter.createUpDownCounter(`xtcp.${side}.open_connections`, {
      description: 'Connections that are open.',
      unit: '{connection}',
    }),
  });
  return {
    client: ofSide('client'),
    server: ofSide('server'),
    retries: meter.createCounter('xtcp.client.retries', { description: 'Calls made again.', unit: '{retry}' }),
    refused: meter.createCounter('xtcp.server.refused_calls', {
      description: 'Calls that no handler ran for.',
      unit: '{call}',
    }),
  };
}
