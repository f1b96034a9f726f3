import { readFileSync } from 'node:fs';

import { Controller, Injectable, Scope, UseInterceptors, type CallHandler, type NestInterceptor } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { context, propagation, SpanKind, SpanStatusCode, trace, type Span } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { defer, delay, lastValueFrom, mergeMap, of, tap, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';

import {
  IteratorErrorsInterceptor,
  XtcpException,
  XtcpRecordBuilder,
  type XtcpClient,
  type XtcpContext,
  type XtcpServerOptions,
} from '../../src/index.js';
import { XtcpInstrumentation } from '../../src/opentelemetry/index.js';
import { clientOf, startService } from '../support/service.js';
import { Sdk } from './sdk.js';

@Injectable()
class Passes implements NestInterceptor {
  intercept(_: unknown, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(delay(1));
  }
}

@Injectable({ scope: Scope.REQUEST })
class PerRequest {
  async traceId(): Promise<string> {
    await new Promise((resolve) => setImmediate(resolve));
    return activeTrace();
  }
}

function activeTrace(): string {
  return trace.getActiveSpan()?.spanContext().traceId ?? 'none';
}

let inner: XtcpClient;

@Controller()
class Handlers {
  @MessagePattern('leaf')
  leaf(@Payload() text: string, @Ctx() call: XtcpContext): string {
    return `${text} ${call.getMetadata()?.['traceparent'] ?? ''}`;
  }

  @MessagePattern('trace')
  async trace(@Payload() waits: number): Promise<string> {
    const before = activeTrace();
    await new Promise((resolve) => setTimeout(resolve, waits));
    return before === activeTrace() ? before : 'changed';
  }

  @MessagePattern('promise')
  async promise(): Promise<unknown> {
    await new Promise((resolve) => setImmediate(resolve));
    return lastValueFrom(inner.send('leaf', 'x'));
  }

  @MessagePattern('observable')
  observable(): Observable<unknown> {
    return defer(() => inner.send('leaf', 'x'));
  }

  @MessagePattern('generator')
  async *generator(): AsyncGenerator {
    yield 'first';
    await new Promise((resolve) => setImmediate(resolve));
    yield await lastValueFrom(inner.send('leaf', 'x'));
  }

  @UseInterceptors(Passes)
  @MessagePattern('intercepted')
  intercepted(): Observable<unknown> {
    return of('x').pipe(
      delay(1),
      mergeMap(() => inner.send('leaf', 'x')),
    );
  }

  @UseInterceptors(IteratorErrorsInterceptor)
  @MessagePattern('watched generator')
  async *watchedGenerator(): AsyncGenerator {
    yield 'first';
    await new Promise((resolve) => setImmediate(resolve));
    yield await lastValueFrom(inner.send('leaf', 'x'));
  }

  @MessagePattern('denies')
  denies(): void {
    throw new XtcpException('PERMISSION_DENIED', 'not you');
  }

  @MessagePattern('fails')
  fails(): void {
    throw new Error('unexpected');
  }

  @MessagePattern('xtcp like')
  ignored(): Promise<unknown> {
    return lastValueFrom(inner.send('leaf', 'x'));
  }

  @EventPattern('happened')
  async happened(@Payload() _data: unknown): Promise<void> {
    await lastValueFrom(inner.send('leaf', 'x'));
  }
}

@Controller()
class RequestScoped {
  constructor(private readonly perRequest: PerRequest) {}

  @MessagePattern('request scoped')
  async requestScoped(): Promise<unknown> {
    await this.perRequest.traceId();
    return lastValueFrom(inner.send('leaf', 'x'));
  }
}
Reflect.defineMetadata('design:paramtypes', [PerRequest], RequestScoped);

async function serving(options: XtcpServerOptions = {}): Promise<XtcpClient> {
  const { port } = await startService({ controllers: [Handlers, RequestScoped], providers: [PerRequest] }, options);
  inner = clientOf(port, { protocol: 'session' });
  return clientOf(port, { protocol: 'session' });
}

function within<T>(name: string, run: (span: Span) => Promise<T>): Promise<T> {
  return trace.getTracer('test').startActiveSpan(name, async (span) => {
    try {
      return await run(span);
    } finally {
      span.end();
    }
  });
}

function failingHook(): never {
  throw new Error('hook');
}

function show(span: ReadableSpan): string {
  return `${SpanKind[span.kind]} ${span.name}`;
}

/** The spans as `kind name < kind name of its parent`. */
function lineage(spans: readonly ReadableSpan[]): string[] {
  return spans
    .map((span) => {
      const parent = spans.find((other) => other.spanContext().spanId === span.parentSpanContext?.spanId);
      return parent === undefined ? show(span) : `${show(span)} < ${show(parent)}`;
    })
    .toSorted();
}

describe('a call', () => {
  it('is a CLIENT and a SERVER span of one trace, with the attributes of the conventions', async () => {
    const sdk = new Sdk();
    const client = await serving();
    await lastValueFrom(client.send('leaf', 'x'));
    const [server, call] = await sdk.untilSpans(2);
    expect(lineage(sdk.spans)).toEqual(['CLIENT leaf', 'SERVER leaf < CLIENT leaf']);
    const [one, other] = server!.kind === SpanKind.SERVER ? [server!, call!] : [call!, server!];
    expect(other.attributes).toEqual({
      'rpc.system.name': 'xtcp',
      'rpc.method': 'leaf',
      'server.address': '127.0.0.1',
      'server.port': expect.any(Number),
      'xtcp.kind': 'call',
      'rpc.response.status_code': 'OK',
    });
    expect(one.attributes).toEqual({
      'rpc.system.name': 'xtcp',
      'rpc.method': 'leaf',
      'network.peer.address': '127.0.0.1',
      'network.peer.port': expect.any(Number),
      'xtcp.kind': 'call',
      'xtcp.protocol': 'session',
      'rpc.response.status_code': 'OK',
    });
    expect([one.status.code, other.status.code]).toEqual([SpanStatusCode.UNSET, SpanStatusCode.UNSET]);
    expect(one.spanContext().traceId).toBe(other.spanContext().traceId);
  });

  it.each(['promise', 'observable', 'intercepted', 'request scoped', 'generator', 'watched generator'])(
    'made in a handler is its child: %s',
    async (pattern) => {
      const sdk = new Sdk();
      const client = await serving();
      await within('root', () => lastValueFrom(client.send(pattern, 'x')));
      await sdk.untilSpans(5);
      expect(lineage(sdk.spans)).toEqual(
        [
          'CLIENT leaf < SERVER ' + pattern,
          `CLIENT ${pattern} < INTERNAL root`,
          'INTERNAL root',
          'SERVER leaf < CLIENT leaf',
          `SERVER ${pattern} < CLIENT ${pattern}`,
        ].toSorted(),
      );
      expect(new Set(sdk.spans.map((span) => span.spanContext().traceId)).size).toBe(1);
    },
  );

  it('read as a stream is one span, with the calls of its handler', async () => {
    const sdk = new Sdk();
    const client = await serving();
    await within('root', async () => {
      for await (const item of client.stream('generator', 'x')) {
        expect(item).toBeDefined();
        expect(activeTrace()).not.toBe('none');
      }
    });
    await sdk.untilSpans(5);
    expect(lineage(sdk.spans)).toContain('CLIENT leaf < SERVER generator');
  });

  it('over classic has spans on both sides, which nothing joins', async () => {
    const sdk = new Sdk();
    const { port } = await startService([Handlers]);
    await lastValueFrom(clientOf(port).send('leaf', 'x'));
    await sdk.untilSpans(2);
    expect(lineage(sdk.spans)).toEqual(['CLIENT leaf', 'SERVER leaf']);
    const served = sdk.spans.find(({ kind }) => kind === SpanKind.SERVER);
    expect(served?.attributes['xtcp.protocol']).toBe('classic');
  });

  it('has its context in callbacks, whichever call opened the connection', async () => {
    const sdk = new Sdk();
    const client = await serving();
    const ids: string[] = [];
    for (const name of ['one', 'two']) {
      await within(name, async (span) => {
        await lastValueFrom(
          client.send('leaf', 'x').pipe(tap(() => ids.push(trace.getActiveSpan()!.spanContext().spanId))),
        );
        expect(ids.at(-1)).toBe(span.spanContext().spanId);
      });
    }
    let outside: unknown = 'not called';
    await lastValueFrom(client.send('leaf', 'x').pipe(tap(() => (outside = trace.getActiveSpan()))));
    expect(outside).toBeUndefined();
    expect(ids).toHaveLength(2);
    await sdk.untilSpans(8);
  });

  it('keeps its trace among a hundred others', async () => {
    const sdk = new Sdk();
    const client = await serving();
    const calls = Array.from({ length: 100 }, (_, n) =>
      within(`root ${n}`, async (span) => {
        const waits = (n * 7) % 11;
        const seen = await lastValueFrom(client.send<string>('trace', waits));
        expect(activeTrace()).toBe(span.spanContext().traceId);
        return [span.spanContext().traceId, seen];
      }),
    );
    const pairs = await Promise.all(calls);
    for (const [own, seen] of pairs) expect(seen).toBe(own);
    expect(new Set(pairs.map(([own]) => own)).size).toBe(100);
    await sdk.untilSpans(300);
  });
});

describe('a failure', () => {
  it.each([
    ['fails', SpanStatusCode.ERROR],
    ['denies', SpanStatusCode.UNSET],
  ])('is an error of the client always, of the server where it is its own: %s', async (pattern, ofServer) => {
    const sdk = new Sdk();
    const client = await serving();
    await expect(lastValueFrom(client.send(pattern, 'x'))).rejects.toBeDefined();
    const spans = await sdk.untilSpans(2);
    const call = spans.find(({ kind }) => kind === SpanKind.CLIENT)!;
    const served = spans.find(({ kind }) => kind === SpanKind.SERVER)!;
    const code = call.attributes['rpc.response.status_code'];
    expect(call.status.code).toBe(SpanStatusCode.ERROR);
    expect(call.attributes['error.type']).toBe(code);
    expect(served.status.code).toBe(ofServer);
    expect(served.attributes['rpc.response.status_code']).toBe(code);
    expect(served.attributes['error.type']).toBe(ofServer === SpanStatusCode.ERROR ? code : undefined);
  });

  it('that is tried again has an event for each retry, and their number', async () => {
    const sdk = new Sdk();
    const { port } = await startService([Handlers], { maxServerCalls: 1 });
    const client = clientOf(port, { protocol: 'session', retries: 2 });
    const long = lastValueFrom(client.send('trace', 1500));
    await expect(lastValueFrom(client.send('leaf', 'x'))).rejects.toBeDefined();
    await long;
    const call = (await sdk.untilSpans(3)).find(({ name }) => name === 'leaf')!;
    expect(call.events.map(({ name }) => name)).toEqual(['xtcp.retry', 'xtcp.retry']);
    expect(call.attributes['xtcp.attempts']).toBe(3);
    expect((await sdk.points('xtcp.client.retries'))[0]).toMatchObject({
      value: 2,
      attributes: { 'rpc.method': 'leaf', 'error.type': 'RESOURCE_EXHAUSTED' },
    });
  });
});

describe('an event', () => {
  it('is CLIENT and SERVER too, as one-way RPC, and what its handler calls is its child', async () => {
    const sdk = new Sdk();
    const client = await serving();
    await within('root', () => lastValueFrom(client.emit('happened', 'x'), { defaultValue: undefined }));
    await sdk.untilSpans(5);
    expect(lineage(sdk.spans)).toContain('SERVER happened < CLIENT happened');
    expect(lineage(sdk.spans)).toContain('CLIENT leaf < SERVER happened');
    expect(sdk.spans.find(({ name }) => name === 'happened')!.attributes['xtcp.kind']).toBe('event');
  });
});

describe('what is propagated', () => {
  it('is the call made, where the server hands on the metadata of its caller', async () => {
    const sdk = new Sdk();
    const client = await serving({ inherit: true });
    await within('root', () => lastValueFrom(client.send('promise', 'x')));
    await sdk.untilSpans(5);
    expect(lineage(sdk.spans)).toContain('SERVER leaf < CLIENT leaf');
    expect(lineage(sdk.spans)).toContain('CLIENT leaf < SERVER promise');
  });

  it('is nothing within suppressTracing, where there are no spans either', async () => {
    const sdk = new Sdk();
    const client = await serving({ inherit: true });
    const answer = await context.with(suppressTracing(context.active()), () =>
      lastValueFrom(client.send('leaf', new XtcpRecordBuilder('x').setMetadata({ traceparent: 'stale' }).build())),
    );
    expect(answer).toBe('x ');
    const [span] = await sdk.untilSpans(1);
    expect(lineage([span!])).toEqual(['SERVER leaf']);
  });

  it('carries baggage', async () => {
    const sdk = new Sdk();
    const client = await serving();
    const baggage = propagation.createBaggage({ tenant: { value: 'acme' } });
    let seen: unknown;
    sdk.instrumentation.setConfig({
      requestHook: (span, call) => {
        if ('protocol' in call) seen = call.metadata?.['baggage'];
        span.setAttribute('hooked', true);
      },
    });
    await context.with(propagation.setBaggage(context.active(), baggage), () =>
      lastValueFrom(client.send('leaf', 'x')),
    );
    const spans = await sdk.untilSpans(2);
    expect(seen).toBe('tenant=acme');
    expect(spans.map(({ attributes }) => attributes['hooked'])).toEqual([true, true]);
  });

  it('leaves out what the metadata has no room for, the trace last, and fails no call', async () => {
    const sdk = new Sdk();
    const client = await serving();
    const large = propagation.createBaggage({ a: { value: 'x'.repeat(4000) } });
    const send = (bytes: number): Promise<string> =>
      context.with(propagation.setBaggage(context.active(), large), () =>
        lastValueFrom(
          client.send<string>('leaf', new XtcpRecordBuilder('x').setMetadata({ own: 'y'.repeat(bytes) }).build()),
        ),
      );
    expect(await send(6000)).toMatch(/^x 00-/);
    expect(await send(8170)).toBe('x ');
    await sdk.untilSpans(4);
  });

  it('goes on through what is ignored', async () => {
    const sdk = new Sdk({ ignorePatterns: ['xtcp like'] });
    const client = await serving();
    await within('root', () => lastValueFrom(client.send('xtcp like', 'x')));
    await sdk.untilSpans(3);
    expect(lineage(sdk.spans)).toEqual(['CLIENT leaf < INTERNAL root', 'INTERNAL root', 'SERVER leaf < CLIENT leaf']);
  });
});

describe('the instrumentation', () => {
  it('has the version of the package', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    const instrumentation = new XtcpInstrumentation({ enabled: false });
    expect(instrumentation.instrumentationVersion).toBe(version);
    expect(instrumentation.instrumentationName).toBe('nestjs-xtcp');
  });

  it('watches once however often it is enabled, and not when it is disabled', async () => {
    const sdk = new Sdk({ enabled: false });
    expect(sdk.instrumentation.getConfig().enabled).toBe(false);
    const client = await serving();
    await lastValueFrom(client.send('leaf', 'x'));
    sdk.instrumentation.enable();
    sdk.instrumentation.enable();
    await lastValueFrom(client.send('leaf', 'x'));
    await sdk.untilSpans(2);
    sdk.instrumentation.disable();
    await lastValueFrom(client.send('leaf', 'x'));
    expect(sdk.spans).toHaveLength(2);
  });

  it('survives hooks that throw', async () => {
    const sdk = new Sdk({ requestHook: failingHook, responseHook: failingHook });
    const client = await serving();
    expect(await lastValueFrom(client.send('leaf', 'x'))).toMatch(/^x 00-/);
    await sdk.untilSpans(2);
  });
});
