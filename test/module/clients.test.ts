import { Inject, Injectable, Module, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { firstValueFrom, of } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';

import {
  getXtcpClientToken,
  InjectXtcpClient,
  XtcpClient,
  XtcpModule,
  type XtcpModuleOptions,
  type XtcpOptionsFactory,
} from '../../src/index.js';
import { unusedPort } from '../nest/support/addresses.js';
import { failureOf, xtcpFailureOf } from '../nest/support/failures.js';
import { UpperController } from '../nest/support/upper.controller.js';
import { moduleOf, startService } from '../support/service.js';
import { Caller, startContext } from './applications.js';

@Injectable()
class Settings {
  static port = 0;
  readonly upperPort = Settings.port;
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

/** The service that is called, whose port {@link Settings} know. */
async function startUpper(): Promise<number> {
  const { port } = await startService([UpperController]);
  Settings.port = port;
  return port;
}

/** A module that a service would be cut into, with a caller of its own. */
function featureOf(imports: Type[] | ReturnType<typeof XtcpModule.register>[]): { Feature: Type; Own: Type<Caller> } {
  @Injectable()
  class Own extends Caller {}
  return { Feature: moduleOf({ imports, providers: [Own] }), Own };
}

/** An application whose factory gives clients of some names, while others are declared. */
function startNamed(clients: string[], given: string[]): Promise<unknown> {
  const useFactory = (): XtcpModuleOptions => ({ clients: given.map((name) => ({ name })) });
  return startContext([XtcpModule.registerAsync({ clients, useFactory })], []);
}

/** An application whose factory gives what is no options. */
function startGiven(given: unknown): Promise<unknown> {
  return startContext([XtcpModule.registerAsync({ useFactory: () => given as object })], []);
}

describe('register', () => {
  test('makes a client that is injected by its name', async () => {
    const port = await startUpper();
    const app = await startContext([XtcpModule.register({ clients: [{ name: 'UPPER', options: { port } }] })]);

    expect(app.get(Caller).client).toBeInstanceOf(XtcpClient);
    expect(app.get(getXtcpClientToken('UPPER'))).toBe(app.get(Caller).client);
    expect(await app.get(Caller).upper('xiaoxiao')).toBe('XIAOXIAO');
  });

  test('makes several, each with options of its own', async () => {
    const port = await startUpper();
    const app = await startContext([
      XtcpModule.register({ clients: [{ name: 'UPPER', options: { port } }, { name: 'DEFAULT' }] }),
    ]);

    expect(await app.get(Caller).upper('a')).toBe('A');
    const other = app.get<XtcpClient>(getXtcpClientToken('DEFAULT'));
    // A value that cannot be sent fails before anything is dialled.
    expect((await xtcpFailureOf(other.send('any', 1n))).endpoint).toBe('127.0.0.1:8001');
  });

  test('makes none where there are none to make', async () => {
    const app = await startContext([XtcpModule.register()], []);
    expect(() => app.get(getXtcpClientToken('UPPER'))).toThrow('Nest could not find XtcpClient:UPPER');
  });
});

describe('registerAsync', () => {
  test('asks a factory, an asynchronous one too, which gets what it injects', async () => {
    await startUpper();
    const app = await startContext([
      XtcpModule.registerAsync({
        imports: [SettingsModule],
        clients: ['UPPER'],
        useFactory: async ({ upperPort }: Settings) => {
          const port = await Promise.resolve(upperPort);
          return { clients: [{ name: 'UPPER', options: { port } }] };
        },
        inject: [Settings],
      }),
    ]);

    expect(await app.get(Caller).upper('xiaoxiao')).toBe('XIAOXIAO');
  });

  @Injectable()
  class UpperOptions implements XtcpOptionsFactory<'UPPER'> {
    constructor(@Inject(Settings) private readonly settings: Settings) {}

    createXtcpOptions(): XtcpModuleOptions<'UPPER'> {
      return { clients: [{ name: 'UPPER', options: { port: this.settings.upperPort } }] };
    }
  }

  test('asks a class that it makes', async () => {
    await startUpper();
    const app = await startContext([
      XtcpModule.registerAsync({ imports: [SettingsModule], clients: ['UPPER'], useClass: UpperOptions }),
    ]);
    expect(await app.get(Caller).upper('a')).toBe('A');
  });

  test('asks a class that there is already', async () => {
    await startUpper();
    @Module({ imports: [SettingsModule], providers: [UpperOptions], exports: [UpperOptions] })
    class OptionsModule {}
    const app = await startContext([
      XtcpModule.registerAsync({ imports: [OptionsModule], clients: ['UPPER'], useExisting: UpperOptions }),
    ]);
    expect(await app.get(Caller).upper('a')).toBe('A');
  });

  test('has the compiler hold what is asked to the names', () => {
    XtcpModule.registerAsync({
      clients: ['UPPER', 'AUDIT'],
      useFactory: () => ({ clients: [{ name: 'AUDIT' }, { name: 'UPPER' }] }),
    });
    XtcpModule.registerAsync({ clients: ['UPPER', 'AUDIT'], useClass: UpperOptions });
    // @ts-expect-error
    XtcpModule.registerAsync({ clients: ['UPPER'], useFactory: () => ({ clients: [{ name: 'UPPR' }] }) });
    // @ts-expect-error
    XtcpModule.registerAsync({ clients: ['AUDIT'], useClass: UpperOptions });
    const token: 'XtcpClient:UPPER' = getXtcpClientToken('UPPER');
    expect(token).toBe('XtcpClient:UPPER');
  });

  test('lets a factory give the clients that are named, and no others', async () => {
    expect(await xtcpFailureOf(startNamed(['UPPER', 'AUDIT'], ['UPPER']))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'XtcpModule: the factory gives no client "AUDIT"',
    });
    expect(await xtcpFailureOf(startNamed(['UPPER'], ['UPPER', 'AUDIT']))).toMatchObject({
      message: 'XtcpModule: the factory gives a client "AUDIT", which registerAsync({ clients: [ … ] }) does not name',
    });
    expect(await xtcpFailureOf(startNamed(['UPPER'], ['UPPER', 'UPPER']))).toMatchObject({
      message: 'XtcpModule: the client "UPPER" is given twice',
    });
  });
});

describe('several registrations', () => {
  test('give each module that imports one its own clients', async () => {
    const port = await startUpper();
    const one = featureOf([XtcpModule.register({ clients: [{ name: 'UPPER', options: { port } }] })]);
    const other = featureOf([XtcpModule.register({ clients: [{ name: 'UPPER', options: { port } }] })]);
    const app = await startContext([one.Feature, other.Feature], []);

    const callers = [app.get(one.Own, { strict: false }), app.get(other.Own, { strict: false })];
    expect(callers[0]!.client).not.toBe(callers[1]!.client);
    for (const caller of callers) expect(await caller.upper('a')).toBe('A');
  });

  test('share a client where they are the same one', async () => {
    const port = await startUpper();
    const upper = XtcpModule.register({ clients: [{ name: 'UPPER', options: { port } }] });
    const one = featureOf([upper]);
    const other = featureOf([upper]);
    const app = await startContext([one.Feature, other.Feature], []);

    expect(app.get(one.Own, { strict: false }).client).toBe(app.get(other.Own, { strict: false }).client);
  });

  test('share the clients of one that is global', async () => {
    const port = await startUpper();
    const feature = featureOf([]);
    const upper = XtcpModule.register({ isGlobal: true, clients: [{ name: 'UPPER', options: { port } }] });
    const app = await startContext([upper, feature.Feature], []);

    expect(await app.get(feature.Own, { strict: false }).upper('a')).toBe('A');
  });

  test('share the clients of one that is global, and asks a factory', async () => {
    await startUpper();
    const feature = featureOf([]);
    const upper = XtcpModule.registerAsync({
      isGlobal: true,
      imports: [SettingsModule],
      clients: ['UPPER'],
      useFactory: ({ upperPort: port }: Settings) => ({ clients: [{ name: 'UPPER', options: { port } }] }),
      inject: [Settings],
    });
    const app = await startContext([upper, feature.Feature], []);

    expect(await app.get(feature.Own, { strict: false }).upper('a')).toBe('A');
  });

  test('keep the clients of one that is not global from the others', async () => {
    const feature = featureOf([]);
    const failure = await failureOf(
      startContext([XtcpModule.register({ clients: [{ name: 'UPPER' }] }), feature.Feature], []),
    );
    expect(String(failure)).toContain('"XtcpClient:UPPER"');
  });

  test('may not give one module two clients of one name', async () => {
    const upper = { clients: [{ name: 'UPPER' }] };
    expect(await xtcpFailureOf(startContext([XtcpModule.register(upper), XtcpModule.register(upper)]))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/^XtcpModule: the client "UPPER" is given twice to TestModule/) as string,
    });
    const feature = featureOf([XtcpModule.register(upper)]);
    const everywhere = XtcpModule.register({ ...upper, isGlobal: true });
    expect(await xtcpFailureOf(startContext([everywhere, feature.Feature], []))).toMatchObject({
      message: expect.stringContaining('the client "UPPER" is given twice') as string,
    });
  });
});

describe('what is wrong is said at the start', () => {
  test('a name that there is not, by Nest, which says where it is missing', async () => {
    @Injectable()
    class Mistaken {
      constructor(@InjectXtcpClient('UPPR') readonly client: XtcpClient) {}
    }
    const failure = await failureOf(startContext([XtcpModule.register({ clients: [{ name: 'UPPER' }] })], [Mistaken]));
    expect(String(failure)).toMatch(
      /Nest can't resolve dependencies of the Mistaken \(\?\).*"XtcpClient:UPPR" at index \[0\]/,
    );
  });

  test('a name that is given twice', () => {
    const twice = /XtcpModule: the client "UPPER" is given twice/;
    expect(() => XtcpModule.register({ clients: [{ name: 'UPPER' }, { name: 'UPPER' }] })).toThrow(twice);
    expect(() => XtcpModule.registerAsync({ clients: ['UPPER', 'UPPER'], useFactory: () => ({}) })).toThrow(twice);
  });

  test('an option of a client, naming the client', async () => {
    const options = { prot: 1 } as object;
    const failure = startContext([XtcpModule.register({ clients: [{ name: 'UPPER', options }] })]);
    expect(await xtcpFailureOf(failure)).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(
        /^XtcpModule, the client "UPPER": XtcpClient: there is no option "prot"; there are host/,
      ) as string,
    });
  });

  test.each<[string, unknown, RegExp]>([
    ['an option that there is not', { client: [] }, /no option "client"; there are clients, isGlobal, iteratorErrors/],
    ['clients that are no array', { clients: { UPPER: {} } }, /the option "clients" is no array/],
    ['a client without a name', { clients: [{ options: {} }] }, /the name of a client is a text, and not empty/],
    ['a client with an empty name', { clients: [{ name: '' }] }, /the name of a client is a text, and not empty/],
    ['a client that is no object', { clients: ['UPPER'] }, /a client: the options are "UPPER", not an object/],
    ['a client with more', { clients: [{ name: 'A', port: 1 }] }, /a client: there is no option "port"/],
    ['options of a client that are none', { clients: [{ name: 'A', options: 1 }] }, /"options" is 1, but takes an obj/],
    ['a switch that is none', { isGlobal: 1 }, /"isGlobal" is 1, but takes true or false/],
    ['another', { iteratorErrors: 'no' }, /"iteratorErrors" is "no", but takes true or false/],
    ['null', null, /the options are null, not an object/],
  ])('%s, given to register', (_, options, message) => {
    expect(() => XtcpModule.register(options as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) as string }),
    );
  });

  test.each<[string, unknown, RegExp]>([
    ['no factory', { clients: ['UPPER'] }, /takes one of useFactory, useClass and useExisting/],
    ['definitions in the place of names', { clients: [{ name: 'A' }], useFactory: Object }, /the name of a client is/],
    ['an option that there is not', { names: [], useFactory: Object }, /no option "names"; there are clients/],
  ])('%s, given to registerAsync', (_, options, message) => {
    expect(() => XtcpModule.registerAsync(options as never)).toThrow(message);
  });

  test('what a factory returns that is no options', async () => {
    expect((await xtcpFailureOf(startGiven({ port: 1 }))).message).toBe(
      'XtcpModule: there is no option "port"; there are clients',
    );
    expect((await xtcpFailureOf(startGiven(undefined))).message).toBe(
      'XtcpModule: the options are undefined, not an object',
    );
  });
});

describe('connectOnStart', () => {
  test('connects before the application has started', async () => {
    const port = await startUpper();
    const options = { port, connectOnStart: true };
    const app = await startContext([XtcpModule.register({ clients: [{ name: 'UPPER', options }] })]);
    expect(app.get(Caller).client.unwrap()).toHaveLength(1);
  });

  test('fails the start where the server is not there', async () => {
    const options = { port: await unusedPort(), connectOnStart: true };
    const failure = startContext([XtcpModule.register({ clients: [{ name: 'UPPER', options }] })]);
    expect(await xtcpFailureOf(failure)).toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('left out, connects with the first call', async () => {
    const port = await startUpper();
    const app = await startContext([XtcpModule.register({ clients: [{ name: 'UPPER', options: { port } }] })]);
    expect(() => app.get(Caller).client.unwrap()).toThrow('Not initialized');
    await app.get(Caller).upper('a');
    expect(app.get(Caller).client.unwrap()).toHaveLength(1);
  });
});

test('a test may put another provider in the place of a client', async () => {
  const module = await Test.createTestingModule({
    imports: [XtcpModule.register({ clients: [{ name: 'UPPER', options: { connectOnStart: true } }] })],
    providers: [Caller],
  })
    .overrideProvider(getXtcpClientToken('UPPER'))
    .useValue({ send: () => of('stand-in') })
    .compile();
  await module.init();
  onTestFinished(() => module.close());

  expect(await module.get(Caller).upper('a')).toBe('stand-in');
  expect(await firstValueFrom(module.get(Caller).client.send('toupper', 'a'))).toBe('stand-in');
});
