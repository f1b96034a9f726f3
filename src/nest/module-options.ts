import { ConfigurableModuleBuilder, type ConfigurableModuleAsyncOptions } from '@nestjs/common';

import { XtcpError, quoteForMessage } from '../errors/xtcp-error.js';
import { OptionReader } from '../options/check.js';
import type { XtcpClientOptions } from '../options/client-options.js';
import type { MetricsRegister } from '../options/probes.js';

/** A client that XtcpModule makes. */
export interface XtcpClientDefinition<Name extends string = string> {
  /** What `@InjectXtcpClient(name)` asks for. */
  name: Name;
  /** Those of XtcpClient, with its defaults. */
  options?: XtcpClientOptions | undefined;
}

/** What `XtcpModule.register` takes, and what the factory of `registerAsync` returns. */
export interface XtcpModuleOptions<Name extends string = string> {
  /** The clients that the module provides and exports, each under a name of its own. Default: none. */
  clients?: readonly XtcpClientDefinition<Name>[] | undefined;
}

/** As XtcpMetrics takes them, without naming the types of prom-client, which need not be installed. */
export interface XtcpModuleMetrics {
  /** A `Registry` of prom-client. Default: its default register. */
  register?: MetricsRegister | undefined;
  /** Stands before the name of each metric. Default: nothing. */
  prefix?: string | undefined;
}

/** What has to be known before any provider is made, so that a factory cannot return it. */
export interface XtcpModuleExtras {
  /** Whether every module can have the clients and XtcpHealth without importing the module. Default false. */
  isGlobal?: boolean | undefined;
  /**
   * Whether what an iterator throws reaches the exception filters: see {@link IteratorErrorsInterceptor}. It holds for the
   * whole application, so that of several registrations one that says false decides. Default true.
   */
  iteratorErrors?: boolean | undefined;
  /**
   * Whether to keep metrics of the application's clients and servers for prom-client, which has to be installed then: as
   * `XtcpMetrics` of `nestjs-xtcp/prometheus` does from the start of the application to its end. An object is what that
   * takes. Default false.
   */
  metrics?: boolean | XtcpModuleMetrics | undefined;
}

/** What `XtcpModule.registerAsync` takes. */
export interface XtcpModuleAsyncOptions<Name extends string = string>
  extends ConfigurableModuleAsyncOptions<XtcpModuleOptions<NoInfer<Name>>, 'createXtcpOptions'>, XtcpModuleExtras {
  /** The names of the clients whose options the factory returns: no more and no fewer. Default: none. */
  clients?: readonly Name[] | undefined;
}

/** What the class given as `useClass` or `useExisting` has to be. */
export interface XtcpOptionsFactory<Name extends string = string> {
  createXtcpOptions(): XtcpModuleOptions<Name> | Promise<XtcpModuleOptions<Name>>;
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<XtcpModuleOptions>({
  moduleName: 'Xtcp',
})
  .setFactoryMethodName('createXtcpOptions')
  .setExtras<XtcpModuleExtras>(
    { isGlobal: false, iteratorErrors: true, metrics: false },
    (definition, { isGlobal = false }) => ({
      ...definition,
      global: isGlobal,
    }),
  )
  .build();

/** What one registration says before any provider is made. */
export interface Registration {
  readonly names: readonly string[];
  readonly iteratorErrors: boolean;
  /** Undefined for none. */
  readonly metrics: XtcpModuleMetrics | undefined;
}

/** The token of a module's {@link Registration}. */
export const REGISTRATION = Symbol('XtcpModule registration');

const EXTRAS = ['isGlobal', 'iteratorErrors', 'metrics'] as const;

/** @throws {XtcpError} INVALID_ARGUMENT, saying what is wrong with the options of `register` */
export function readRegistration(options: XtcpModuleOptions & XtcpModuleExtras): Registration {
  const read = new OptionReader('XtcpModule', options, ['clients', ...EXTRAS]);
  return { names: namesOf(options), ...readExtras(read) };
}

/** @throws {XtcpError} INVALID_ARGUMENT, saying what is wrong with the options of `registerAsync` */
export function readAsyncRegistration(options: XtcpModuleAsyncOptions): Registration {
  const read = new OptionReader<XtcpModuleAsyncOptions>('XtcpModule', options, [
    'clients',
    ...EXTRAS,
    'imports',
    'inject',
    'useFactory',
    'useClass',
    'useExisting',
    'provideInjectionTokensFrom',
  ]);
  if (!read.has('useFactory') && !read.has('useClass') && !read.has('useExisting')) {
    throw wrong('registerAsync takes one of useFactory, useClass and useExisting');
  }
  return { names: checkNames(listOf(options.clients)), ...readExtras(read) };
}

/**
 * The clients that a factory, or `register`, gives.
 * @throws {XtcpError} INVALID_ARGUMENT where they are not the ones that the registration names
 */
export function readClients(options: XtcpModuleOptions, { names }: Registration): readonly XtcpClientDefinition[] {
  const read = new OptionReader('XtcpModule', options, ['clients']);
  const given = read.has('clients') ? namesOf(options) : [];
  const missing = names.find((name) => !given.includes(name));
  if (missing !== undefined) throw wrong(`the factory gives no client ${quoteForMessage(missing)}`);
  const unnamed = given.find((name) => !names.includes(name));
  if (unnamed === undefined) return options.clients ?? [];
  throw wrong(
    `the factory gives a client ${quoteForMessage(unnamed)}, which registerAsync({ clients: [ … ] }) does not name`,
  );
}

function readExtras(read: OptionReader<XtcpModuleExtras>): Omit<Registration, 'names'> {
  read.flag('isGlobal', false);
  return { iteratorErrors: read.flag('iteratorErrors', true), metrics: readMetrics(read) };
}

function readMetrics(read: OptionReader<XtcpModuleExtras>): XtcpModuleMetrics | undefined {
  const given = read.flagOrObject('metrics', false);
  if (given === false) return undefined;
  if (given === true) return {};
  const inner = new OptionReader('XtcpModule, the option "metrics"', given, ['register', 'prefix']);
  return { register: inner.method('register', 'getSingleMetric'), prefix: given.prefix };
}

function namesOf({ clients }: XtcpModuleOptions): readonly string[] {
  return checkNames(listOf(clients).map((client) => nameOf(client)));
}

function nameOf(client: unknown): unknown {
  const read = new OptionReader('XtcpModule, a client', client as XtcpClientDefinition, ['name', 'options']);
  read.object('options');
  return (client as XtcpClientDefinition).name;
}

function listOf(clients: unknown): readonly unknown[] {
  if (clients === undefined) return [];
  if (!Array.isArray(clients)) throw wrong('the option "clients" is no array');
  return clients;
}

function checkNames(names: readonly unknown[]): readonly string[] {
  const seen = new Set<string>();
  for (const name of names) {
    if (typeof name !== 'string' || name === '') throw wrong('the name of a client is a text, and not empty');
    if (seen.has(name)) throw wrong(`the client ${quoteForMessage(name)} is given twice`);
    seen.add(name);
  }
  return [...seen];
}

function wrong(message: string): XtcpError {
  return new XtcpError('INVALID_ARGUMENT', `XtcpModule: ${message}`);
}
