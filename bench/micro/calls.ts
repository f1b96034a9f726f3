import { Session } from 'node:inspector/promises';
import type { HeapProfiler } from 'node:inspector';
import type { AddressInfo } from 'node:net';

import 'reflect-metadata';

import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { XtcpClient, XtcpServer } from 'nestjs-xtcp';
import { lastValueFrom } from 'rxjs';

import { EchoController } from '../service/echo.controller.js';

const CALLS = 50_000;
const IN_FLIGHT = 64;

export interface CallFigures {
  /** What client and server together allocate for a call, with Nest, RxJS and Node. */
  readonly bytesPerCall: number;
  /** Of it, what this package's own functions do. */
  readonly ownBytesPerCall: number;
}

/** Weighs calls of 32 bytes, 64 in flight, between a real server and a real client in this process. */
export async function weighCalls(): Promise<CallFigures> {
  @Module({ controllers: [EchoController] })
  class EchoModule {}
  const app = await NestFactory.createMicroservice(EchoModule, {
    strategy: new XtcpServer({ port: 0 }),
    logger: false,
  });
  const { port } = (await app.listen()) as unknown as AddressInfo;
  const client = new XtcpClient({ port });
  await makeCalls(client);
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: 16_384,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  await makeCalls(client);
  const { profile } = await session.post('HeapProfiler.stopSampling');
  session.disconnect();
  await client.close();
  await app.close();
  return {
    bytesPerCall: bytesOf(profile.head, () => true) / CALLS,
    ownBytesPerCall:
      bytesOf(profile.head, (url) => /\/dist\/(?!cjs\/)/.test(url) && !url.includes('node_modules')) / CALLS,
  };
}

async function makeCalls(client: XtcpClient): Promise<void> {
  const text = 'x'.repeat(32);
  let made = 0;
  const caller = async (): Promise<void> => {
    while (made++ < CALLS) await lastValueFrom(client.send('echo', text));
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
}

function bytesOf(node: HeapProfiler.SamplingHeapProfileNode, counts: (url: string) => boolean): number {
  const own = counts(node.callFrame.url) ? node.selfSize : 0;
  return node.children.reduce((sum, child) => sum + bytesOf(child, counts), own);
}
