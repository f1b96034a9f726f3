import { subscribe, unsubscribe, type Channel } from 'node:diagnostics_channel';

import type { Counter, Gauge, Histogram, Metric } from 'prom-client';

import { XtcpError } from '../errors/xtcp-error.js';
import type { Prometheus, Register } from './prom-client.js';

/** Seconds: a call on one machine takes tenths of a millisecond, and one of 10 s has mostly failed. */
const DURATIONS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

type Listener = (message: unknown) => void;

/** Metrics in a register and subscriptions to channels, to be taken back together. */
export class Collection {
  private readonly metrics = new Map<string, Metric>();
  private readonly subscriptions: (readonly [name: string | symbol, listener: Listener])[] = [];

  constructor(
    private readonly prometheus: Prometheus,
    private readonly register: Register,
    private readonly prefix: string,
  ) {}

  counter<Label extends string = never>(name: string, help: string, ...labelNames: Label[]): Counter<Label> {
    return this.add(name, (own) => new this.prometheus.Counter({ ...own, help, labelNames }));
  }

  gauge<Label extends string = never>(name: string, help: string, ...labelNames: Label[]): Gauge<Label> {
    return this.add(name, (own) => new this.prometheus.Gauge({ ...own, help, labelNames }));
  }

  durations<Label extends string>(name: string, help: string, ...labelNames: Label[]): Histogram<Label> {
    return this.add(name, (own) => new this.prometheus.Histogram({ ...own, help, labelNames, buckets: DURATIONS }));
  }

  /** Has `listener` called with what `channel` carries. */
  on<Message>(channel: Channel, listener: (message: Message) => void): void {
    const untyped: Listener = (message) => {
      listener(message as Message);
    };
    this.subscriptions.push([channel.name, untyped]);
    subscribe(channel.name, untyped);
  }

  /** Whether the register still has all of them; `register.clear()` takes them out. */
  get isWhole(): boolean {
    return Array.from(this.metrics).every(([name, metric]) => this.register.getSingleMetric(name) === metric);
  }

  stop(): void {
    for (const [name, listener] of this.subscriptions.splice(0)) unsubscribe(name, listener);
    for (const [name, metric] of this.metrics) {
      if (this.register.getSingleMetric(name) === metric) this.register.removeSingleMetric(name);
    }
    this.metrics.clear();
  }

  private add<Kind extends Metric>(
    plainName: string,
    make: (own: { readonly name: string; readonly registers: Register[] }) => Kind,
  ): Kind {
    const name = this.prefix + plainName;
    if (this.register.getSingleMetric(name) !== undefined) {
      throw new XtcpError(
        'INVALID_ARGUMENT',
        `XtcpMetrics: the register has a metric "${name}" already that is somebody else's; give another prefix`,
      );
    }
    const metric = make({ name, registers: [this.register] });
    this.metrics.set(name, metric);
    return metric;
  }
}
