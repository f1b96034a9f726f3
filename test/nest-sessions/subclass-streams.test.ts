import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { expect, onTestFinished, test } from 'vitest';

import { XtcpClient, XtcpException } from '../../src/index.js';
import { startService } from '../support/service.js';

@Controller()
class ItemsController {
  @MessagePattern('two')
  async *two(): AsyncGenerator<string> {
    yield 'a';
    yield 'b';
  }

  @MessagePattern('fails')
  fails(): never {
    throw new XtcpException('PERMISSION_DENIED', 'no');
  }
}

class MappingClient extends XtcpClient {
  protected override serializeResponse(response: unknown): unknown {
    if (response === 'b') throw new Error('cannot take b');
    return `<${String(response)}>`;
  }

  protected override serializeError(error: { readonly code: string }): unknown {
    return new Error(`mapped ${error.code}`);
  }
}

test('a subclass maps what a stream brings, as it does for send, and what it throws ends that stream alone', async () => {
  const { port } = await startService([ItemsController]);
  const client = new MappingClient({ port, protocol: 'session' });
  onTestFinished(() => client.close());
  const taken: string[] = [];
  const reading = (async () => {
    for await (const item of client.stream<string>('two', 'x')) taken.push(item);
  })();
  await expect(reading).rejects.toThrow('cannot take b');
  expect(taken).toEqual(['<a>']);

  const failing = client.stream('fails', 'x')[Symbol.asyncIterator]();
  await expect(failing.next()).rejects.toThrow('mapped PERMISSION_DENIED');
  expect(client.unwrap()).toHaveLength(1);
});
