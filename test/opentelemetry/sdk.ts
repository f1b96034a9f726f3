import { context, metrics, propagation, trace, type Attributes } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node';
import { onTestFinished } from 'vitest';

import { XtcpInstrumentation, type XtcpInstrumentationConfig } from '../../src/opentelemetry/index.js';

export interface Point {
  readonly attributes: Attributes;
  readonly value: unknown;
}

/** The real SDK, registered with the API, and the instrumentation on it, until the test ends. */
export class Sdk {
  private readonly spanExporter = new InMemorySpanExporter();
  private readonly metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  private readonly reader = new PeriodicExportingMetricReader({
    exporter: this.metricExporter,
    exportIntervalMillis: 3_600_000,
  });
  readonly instrumentation: XtcpInstrumentation;

  constructor(config: XtcpInstrumentationConfig = {}) {
    const tracers = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(this.spanExporter)] });
    const meters = new MeterProvider({ readers: [this.reader] });
    // Before the providers: an application may set them later.
    this.instrumentation = new XtcpInstrumentation(config);
    tracers.register();
    metrics.setGlobalMeterProvider(meters);
    onTestFinished(async () => {
      this.instrumentation.disable();
      for (const api of [trace, metrics, context, propagation]) api.disable();
      await Promise.all([tracers.shutdown(), meters.shutdown()]);
    });
  }

  get spans(): ReadableSpan[] {
    return this.spanExporter.getFinishedSpans();
  }

  /** Waits until that many spans have ended: a server's ends behind its answer. */
  async untilSpans(count: number): Promise<ReadableSpan[]> {
    while (this.spans.length < count) await new Promise((resolve) => setImmediate(resolve));
    return this.spans;
  }

  async points(name: string): Promise<Point[]> {
    this.metricExporter.reset();
    await this.reader.forceFlush();
    const scopes = this.metricExporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
    return scopes
      .flatMap((scope) => scope.metrics)
      .filter(({ descriptor }) => descriptor.name === name)
      .flatMap(({ dataPoints }) => dataPoints as Point[]);
  }
}
