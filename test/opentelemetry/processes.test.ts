import { lastValueFrom } from 'rxjs';
import { expect, it, onTestFinished } from 'vitest';

import { built } from '../package/dist.js';
import { applicationFolder } from '../package/folder.js';
import { Program } from '../package/processes.js';
import { compile } from '../package/readme.js';
import { clientOf } from '../support/service.js';

const TIMEOUT_MS = 60_000;

/** A service that passes a call on to the ports that it is given, and tells its spans. */
const PROGRAM = `
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { XtcpClient, XtcpServer } from 'nestjs-xtcp';
import { XtcpInstrumentation } from 'nestjs-xtcp/opentelemetry';
import { lastValueFrom } from 'rxjs';

const exporter = new InMemorySpanExporter();
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
new XtcpInstrumentation({ ignorePatterns: ['spans'] });
const clients = new Map<number, XtcpClient>();

@Controller()
class Hop {
  @MessagePattern('relay')
  async relay(@Payload() ports: number[]): Promise<number> {
    const [next, ...rest] = ports;
    if (next === undefined) return 1;
    const client = clients.get(next) ?? new XtcpClient({ port: next });
    clients.set(next, client);
    return 1 + (await lastValueFrom(client.send<number>('relay', rest)));
  }

  @MessagePattern('spans')
  spans(): object[] {
    return exporter.getFinishedSpans().map((span) => ({
      trace: span.spanContext().traceId,
      id: span.spanContext().spanId,
      parent: span.parentSpanContext?.spanId ?? null,
      remote: span.parentSpanContext?.isRemote ?? false,
      kind: span.kind,
    }));
  }
}

@Module({ controllers: [Hop] })
class AppModule {}

const app = await NestFactory.createMicroservice(AppModule, { strategy: new XtcpServer({ port: 0 }), logger: false });
const address = (await app.listen()) as unknown as { port: number };
console.log('port ' + address.port);
`;

interface SpanTold {
  readonly trace: string;
  readonly id: string;
  readonly parent: string | null;
  readonly remote: boolean;
  readonly kind: number;
}

it(
  'three hops between two processes are one trace, each span the child of the one that caused it',
  { timeout: TIMEOUT_MS },
  async () => {
    built('opentelemetry/index.js');
    const folder = applicationFolder('hops', { type: 'module' });
    onTestFinished(() => {
      folder.remove();
    });
    folder.write('hop.ts', PROGRAM);
    expect(compile(folder, ['hop.ts'])).toEqual([]);
    const start = async (): Promise<number> => {
      const program = new Program(process.execPath, ['hop.js'], { cwd: folder.path });
      onTestFinished(() => program.destroy());
      await program.untilPrinted(/port \d+/);
      return Number(/port (\d+)/.exec(program.stdout)?.[1]);
    };
    const [a, b] = await Promise.all([start(), start()]);
    const [toA, toB] = [clientOf(a, { protocol: 'session' }), clientOf(b, { protocol: 'session' })];

    expect(await lastValueFrom(toA.send('relay', [b, a, b]))).toBe(4);

    let spans: SpanTold[] = [];
    // A server's span ends behind its answer.
    while (spans.length < 7) {
      const told = await Promise.all([toA, toB].map((client) => lastValueFrom(client.send<SpanTold[]>('spans', 'x'))));
      spans = told.flat();
    }
    expect(spans).toHaveLength(7);
    expect(new Set(spans.map(({ trace }) => trace)).size).toBe(1);
    const chain: string[] = [];
    let at = spans.find(({ parent }) => parent === null);
    while (at !== undefined) {
      chain.push(`${at.kind === 1 ? 'server' : 'client'}${at.remote ? ' of another process' : ''}`);
      const { id } = at;
      at = spans.find(({ parent }) => parent === id);
    }
    const server = 'server of another process';
    expect(chain).toEqual(['server', 'client', server, 'client', server, 'client', server]);
  },
);
