import { readFileSync } from 'node:fs';

import { Controller, Injectable, Module, Scope, type INestApplication, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, MessagePattern, Payload, Transport } from '@nestjs/microservices';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import { lastValueFrom } from 'rxjs';
import * as v from 'valibot';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';

import {
  XTCP,
  XtcpModule,
  XtcpServer,
  type XtcpClient,
  type XtcpExtras,
  type XtcpPattern,
  type XtcpPatterns,
  type XtcpServerOptions,
} from '../../src/index.js';
import { SessionPeer } from '../faults/support/session-peer.js';
import { xtcpFailureOf } from '../nest/support/failures.js';
import { clientOf, moduleOf, startService } from '../support/service.js';
import { portOf, sessionClient, startHybrid } from './applications.js';

const NO_SCHEMA = 'no schema is declared, and a class tells of none: give one to @Payload({ schema })';
const NOT_INSTALLED = 'XtcpModule is not installed: import XtcpModule.register() to have schemas told';

async function askFor(client: XtcpClient): Promise<readonly XtcpPattern[]> {
  return (await lastValueFrom(client.send<XtcpPatterns>('xtcp.patterns', ''))).patterns;
}

/** What a server with these controllers answers, where XtcpModule is installed. */
async function patternsOf(controllers: Type[], options: XtcpServerOptions = {}): Promise<readonly XtcpPattern[]> {
  const { port } = await startService({ imports: [XtcpModule.register()], controllers }, options);
  return askFor(sessionClient(port));
}

/** The one pattern of a controller whose handler declares this schema. */
async function patternWith(schema: unknown): Promise<XtcpPattern> {
  @Controller()
  class OneController {
    @MessagePattern('one')
    one(@Payload({ schema: schema as never }) payload: unknown): unknown {
      return payload;
    }
  }
  const [one, ...others] = await patternsOf([OneController]);
  expect(others).toEqual([]);
  return one!;
}

/** What is answered of a pattern that is called, and of which nothing more is known. */
function callOf(pattern: string, reason: string): XtcpPattern {
  return { pattern, kind: 'call', description: null, schema: null, reason };
}

@Controller()
class ManyController {
  @MessagePattern('toupper', { description: 'upper case' } satisfies XtcpExtras)
  toupper(@Payload() text: string): string {
    return text.toUpperCase();
  }

  @EventPattern('toupper', { description: 'told of what is to be upper case' } satisfies XtcpExtras)
  told(@Payload() _text: string): void {}

  @EventPattern('toupper')
  toldToo(@Payload() _text: string): void {}

  @MessagePattern([{ cmd: 'sum', version: 2 }, 'sum', 7])
  sum(): number {
    return 0;
  }
}

describe('without XtcpModule', () => {
  test('a server tells of its patterns, sorted, without their schemas', async () => {
    const { port } = await startService([ManyController]);

    expect(await lastValueFrom(sessionClient(port).send('xtcp.patterns', ''))).toEqual({
      patterns: [
        callOf('7', NOT_INSTALLED),
        callOf('sum', NOT_INSTALLED),
        { ...callOf('toupper', NOT_INSTALLED), description: 'upper case' },
        { ...callOf('toupper', NOT_INSTALLED), kind: 'event', description: 'told of what is to be upper case' },
        callOf('{"cmd":"sum","version":2}', NOT_INSTALLED),
      ],
    });
  });

  test('a classic client gets the same as JSON', async () => {
    const { port } = await startService([ManyController]);
    expect(await askFor(clientOf(port, { payload: 'json' }))).toEqual(await askFor(sessionClient(port)));
  });

  test('a server without handlers tells of none', async () => {
    const { port } = await startService([]);
    expect(await askFor(sessionClient(port))).toEqual([]);
  });

  test('a server whose reflection is switched off has no such pattern', async () => {
    const { port } = await startService(
      { imports: [XtcpModule.register()], controllers: [ManyController] },
      { reflection: false },
    );
    for (const client of [sessionClient(port), clientOf(port)]) {
      expect(await xtcpFailureOf(client.send('xtcp.patterns', ''))).toMatchObject({ code: 'UNIMPLEMENTED' });
    }
  });

  test('a description that is no text fails the start', async () => {
    @Controller()
    class MistakenController {
      @MessagePattern('mistaken', { description: { en: 'mistaken' } })
      mistaken(): void {}
    }
    const start = startService([MistakenController]);
    expect(await xtcpFailureOf(start)).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'the handler of "mistaken" has a description in its extras that is no text',
    });
  });

  test('an answer that is over what the client takes fails, and nothing else does', async () => {
    @Controller()
    class TalkativeController {
      @MessagePattern('talk', { description: 'x'.repeat(70_000) } satisfies XtcpExtras)
      talk(): string {
        return 'talked';
      }
    }
    const { port } = await startService([TalkativeController]);
    const client = sessionClient(port, { maxFrameBytes: 65_536 });

    expect(await xtcpFailureOf(client.send('xtcp.patterns', ''))).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    expect(await lastValueFrom(client.send('talk', ''))).toBe('talked');
    expect(client.unwrap()).toHaveLength(1);
  });
});

describe('with XtcpModule', () => {
  test('the schema of zod is told', async () => {
    const schema = z.object({ name: z.string().min(1), age: z.number().optional() });
    expect(await patternWith(schema)).toEqual({
      pattern: 'one',
      kind: 'call',
      description: null,
      schema: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        properties: { name: { type: 'string', minLength: 1 }, age: { type: 'number' } },
        required: ['name'],
      },
      reason: null,
    });
  });

  test('the schema of what comes in is told, not of what becomes of it', async () => {
    const schema = z.string().transform((text) => text.length);
    expect(await patternWith(schema)).toMatchObject({ schema: { type: 'string' }, reason: null });
  });

  test('the schema of arktype is told', async () => {
    expect(await patternWith(type({ name: 'string', 'age?': 'number' }))).toMatchObject({
      schema: {
        type: 'object',
        properties: { name: { type: 'string' }, age: { type: 'number' } },
        required: ['name'],
      },
      reason: null,
    });
  });

  test('the schema of valibot is told where it is wrapped by its converter', async () => {
    const schema = v.object({ name: v.string() });
    expect(await patternWith(toStandardJsonSchema(schema))).toMatchObject({
      schema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
      reason: null,
    });
    expect(await patternWith(schema)).toMatchObject({
      schema: null,
      reason:
        'a schema of valibot gives no JSON Schema by itself (Standard JSON Schema): wrap it with ' +
        'toStandardJsonSchema of @valibot/to-json-schema',
    });
  });

  test('a recursive schema is told', async () => {
    const tree = z.object({
      get children() {
        return z.array(tree);
      },
    });
    expect(await patternWith(tree)).toMatchObject({
      schema: { properties: { children: { type: 'array', items: { $ref: '#' } } } },
    });
  });

  test('a class tells of none, and neither does a handler without payload', async () => {
    class Dto {
      name = '';
    }
    @Controller()
    class DtoController {
      @MessagePattern('dto')
      dto(@Payload() _dto: Dto): void {}

      @MessagePattern('nothing')
      nothing(): void {}

      @MessagePattern('context')
      context(@Ctx() _context: unknown): void {}
    }
    const reasons = (await patternsOf([DtoController])).map(({ schema, reason }) => [schema, reason]);
    expect(reasons).toEqual(Array.from({ length: 3 }, () => [null, NO_SCHEMA]));
  });

  test('a schema of properties alone is none of the payload', async () => {
    @Controller()
    class PropertyController {
      @MessagePattern('property')
      property(@Payload('name', { schema: z.string() }) name: string): string {
        return name;
      }
    }
    expect(await patternsOf([PropertyController])).toEqual([
      callOf('property', 'schemas are declared for properties of the payload alone: give one for the whole payload'),
    ]);
  });

  test('events have the schema that their handlers agree on', async () => {
    const schema = z.string();
    @Controller()
    class EventsController {
      @EventPattern('same')
      one(@Payload({ schema }) _text: string): void {}

      @EventPattern('same')
      two(@Payload({ schema }) _text: string): void {}

      @EventPattern('same')
      three(@Payload() _text: string): void {}

      @EventPattern('different')
      four(@Payload({ schema }) _text: string): void {}

      @EventPattern('different')
      five(@Payload({ schema: z.number() }) _number: number): void {}
    }
    const [different, same] = await patternsOf([EventsController]);
    expect(same).toMatchObject({ pattern: 'same', kind: 'event', schema: { type: 'string' } });
    expect(different).toMatchObject({
      pattern: 'different',
      schema: null,
      reason: 'several schemas are declared for it: give all @Payload({ schema }) the same one',
    });
  });

  test('of two handlers of one call, the one that answers is told', async () => {
    @Controller()
    class EarlierController {
      @MessagePattern('one')
      one(@Payload({ schema: z.string() }) _text: string): string {
        return 'earlier';
      }
    }
    @Controller()
    class LaterController {
      @MessagePattern('one')
      one(@Payload({ schema: z.number() }) _number: number): string {
        return 'later';
      }
    }
    const { port } = await startService({
      imports: [XtcpModule.register(), moduleOf({ controllers: [EarlierController] })],
      controllers: [LaterController],
    });
    const client = sessionClient(port);
    const [one] = await askFor(client);
    const answer = await lastValueFrom(client.send('one', 1));
    expect(one?.schema).toMatchObject({ type: answer === 'later' ? 'number' : 'string' });
  });

  test('handlers of other transports are not told', async () => {
    @Controller()
    class BoundController {
      @MessagePattern('here', XTCP)
      here(@Payload({ schema: z.string() }) _text: string): void {}

      @MessagePattern('everywhere')
      everywhere(@Payload({ schema: z.string() }) _text: string): void {}

      @MessagePattern('elsewhere', Transport.TCP)
      elsewhere(@Payload({ schema: z.string() }) _text: string): void {}

      @MessagePattern('everywhere', Transport.TCP)
      everywhereElse(@Payload({ schema: z.number() }) _number: number): void {}
    }
    const patterns = await patternsOf([BoundController]);
    expect(patterns.map(({ pattern, schema }) => [pattern, schema])).toEqual([
      ['everywhere', expect.objectContaining({ type: 'string' })],
      ['here', expect.objectContaining({ type: 'string' })],
    ]);
  });

  test('handlers of object patterns, of request-scoped and of inherited controllers are found', async () => {
    const schema = z.string();
    abstract class BaseController {
      @MessagePattern({ version: 2, cmd: 'base' })
      base(@Payload({ schema }) _text: string): void {}
    }
    @Injectable()
    class PerRequest {}
    @Controller({ scope: Scope.REQUEST })
    class ScopedController extends BaseController {
      @MessagePattern(7)
      scoped(@Payload({ schema }) _text: string): void {}
    }
    const { port } = await startService({
      imports: [XtcpModule.register()],
      providers: [PerRequest],
      controllers: [ScopedController],
    });
    const patterns = await askFor(sessionClient(port));
    expect(patterns.map(({ pattern, schema: told }) => [pattern, told])).toEqual([
      ['7', expect.objectContaining({ type: 'string' })],
      ['{"cmd":"base","version":2}', expect.objectContaining({ type: 'string' })],
    ]);
  });

  test('a handler that no controller declares is told without a schema', async () => {
    const { port } = await startService({ imports: [XtcpModule.register()] }, {}, (_, server) => {
      server.addHandler('by hand', () => Promise.resolve());
    });
    expect(await askFor(sessionClient(port))).toEqual([
      callOf('by hand', 'no method of a controller with @MessagePattern or @EventPattern was found for it'),
    ]);
  });

  test('a module that is registered several times tells the same', async () => {
    const imports = [XtcpModule.register(), moduleOf({ imports: [XtcpModule.register()] })];
    const { port } = await startService({ imports, controllers: [ManyController] });
    expect((await askFor(sessionClient(port))).map(({ pattern }) => pattern)).toEqual([
      '7',
      'sum',
      'toupper',
      'toupper',
      '{"cmd":"sum","version":2}',
    ]);
  });
});

/** A Standard Schema with what a library would have to say of its JSON Schema. */
function standard(jsonSchema: unknown, vendor: unknown = 'own'): object {
  return { '~standard': { version: 1, vendor, validate: (value: unknown) => ({ value }), jsonSchema } };
}

function failing(message: string): object {
  return standard({
    input: () => {
      throw new TypeError(message);
    },
  });
}

describe('a schema that cannot be told says why', () => {
  const giving = (found: unknown): object => standard({ input: () => found });
  const cyclic: Record<string, unknown> = { type: 'object' };
  cyclic['properties'] = { self: cyclic };
  let deep: object = {};
  for (let depth = 0; depth < 200; depth++) deep = { items: deep };
  let doubling: object = {};
  for (let depth = 0; depth < 60; depth++) doubling = { one: doubling, other: doubling };

  test.each<[string, unknown, RegExp]>([
    ['no Standard Schema', { type: 'string' }, /^what @Payload\(\{ schema \}\) was given is no Standard Schema/],
    ['a text', 'string', /^what @Payload\(\{ schema \}\) was given is no Standard Schema/],
    ['one without JSON Schema', standard(undefined), /^a schema of own gives no JSON Schema by itself/],
    ['one that says nothing of itself', standard({}, 1), /^a schema that gives no JSON Schema by itself/],
    ['what has none', z.date(), /^the schema could not be made a JSON Schema: Date cannot be represented/],
    ['one that gives a text', giving('{}'), /^what the schema gives as its JSON Schema is no object/],
    ['one that gives a list', giving([]), /^what the schema gives as its JSON Schema is no object/],
    ['a cycle', giving(cyclic), /^the schema could not be made a JSON Schema: Converting circular structure/],
    ['what is too deep', giving(deep), /^the JSON Schema has objects more than 100 deep: declare/],
    ['what grows without end', giving(doubling), /^the JSON Schema is over 65536 characters: declare/],
    ['what is too large', giving({ enum: ['x'.repeat(65_537)] }), /^the JSON Schema is over 65536 characters: declare/],
    ['much of little', giving({ enum: Array.from({ length: 70_000 }, () => 1) }), /^the JSON Schema is over 65536/],
  ])('%s', async (_, schema, reason) => {
    expect(await patternWith(schema)).toMatchObject({
      schema: null,
      reason: expect.stringMatching(reason) as string,
    });
  });

  test('in one short line, without control characters or a stack', async () => {
    expect((await patternWith(failing(`\u001b[31m${'x'.repeat(300)}\nsecond`))).reason).toBe(
      `the schema could not be made a JSON Schema: \\u001b[31m${'x'.repeat(195)}…`,
    );
  });

  test('and what is within the limits is told, as plain data', async () => {
    const told = await patternWith(giving({ enum: ['x'.repeat(65_000)], more: undefined, toLocaleString: () => '' }));
    expect(told).toMatchObject({ schema: { enum: ['x'.repeat(65_000)] }, reason: null });
  });
});

test('the answer is on the wire what docs/protocol.md says', async () => {
  @Controller()
  class UpperController {
    @MessagePattern('toupper', { description: 'upper case' } satisfies XtcpExtras)
    toupper(@Payload({ schema: standard({ input: () => ({ type: 'string' }) }) as never }) text: string): string {
      return text.toUpperCase();
    }
  }
  const { port } = await startService({ imports: [XtcpModule.register()], controllers: [UpperController] });
  const peer = await SessionPeer.open(port);
  peer.send('Qt1', 'xtcp.patterns', '');

  const [head, answer] = (await peer.take()) ?? [];
  expect(head).toBe('Aj1');
  const protocol = readFileSync(`${import.meta.dirname}/../../docs/protocol.md`, 'utf8');
  expect(protocol).toContain(`    S: 3\\r\\nAj1\\r\\n${answer?.length}\\r\\n${answer}\\r\\n\\r\\n\n`);
});

test('a schema is made JSON Schema once, when first somebody asks', async () => {
  let asked = 0;
  const schema = {
    '~standard': {
      version: 1,
      vendor: 'own',
      validate: (value: unknown) => ({ value }),
      jsonSchema: {
        input: (options: object) => {
          asked++;
          return { options };
        },
      },
    },
  } as const;
  @Controller()
  class OneController {
    @MessagePattern(['one', 'other'])
    one(@Payload({ schema }) _payload: unknown): void {}
  }
  const { port } = await startService({ imports: [XtcpModule.register()], controllers: [OneController] });
  const client = sessionClient(port);

  expect(asked).toBe(0);
  const [one] = await askFor(client);
  expect(one?.schema).toEqual({ options: { target: 'draft-2020-12' } });
  await askFor(client);
  expect(asked).toBe(1);
});

describe('in a hybrid application', () => {
  @Controller()
  class SchemaController {
    @MessagePattern('one')
    one(@Payload({ schema: z.string() }) text: string): string {
      return text;
    }
  }
  @Module({ imports: [XtcpModule.register()], controllers: [SchemaController] })
  class AppModule {}

  test.each([true, false])('schemas are told, where it inherits its configuration and not: %s', async (inherits) => {
    const { port } = await startHybrid(AppModule, { inheritAppConfig: inherits });
    expect(await askFor(sessionClient(port))).toMatchObject([{ pattern: 'one', schema: { type: 'string' } }]);
  });

  test('each server tells of the handlers that it has, one that is connected behind the start too', async () => {
    const app: INestApplication = await NestFactory.create(AppModule, { logger: false });
    onTestFinished(() => app.close());
    await app.init();
    class OtherServer extends XtcpServer {
      override transportId = Symbol('another');
    }
    const servers = [new XtcpServer({ port: 0 }), new OtherServer({ port: 0 })];
    for (const strategy of servers) app.connectMicroservice({ strategy });
    await app.startAllMicroservices();

    for (const server of servers) {
      expect(await askFor(sessionClient(portOf(server)))).toMatchObject([{ schema: { type: 'string' }, reason: null }]);
    }
  });
});
