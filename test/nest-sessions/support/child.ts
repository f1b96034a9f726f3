import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

import { beforeAll, onTestFinished } from 'vitest';

import type { XtcpServerOptions } from '../../../src/index.js';
import { compileService } from './compile.js';
import type { Question, ServiceArguments } from './service/main.js';

/** A process that imports Nest takes its time on a busy machine. */
const START_TIMEOUT_MS = 30_000;

type Told =
  | { readonly port: number; readonly http?: number }
  | { readonly note: string; readonly detail: unknown }
  | { readonly id: number; readonly value?: unknown; readonly error?: string };

export interface ServiceOptions extends Partial<Omit<ServiceArguments, 'app' | 'options'>> {
  readonly options?: XtcpServerOptions;
  /** Arguments of Node's. */
  readonly execArgv?: readonly string[];
}

/** A real Nest application in a process of its own. */
export class ServiceProcess {
  port = 0;
  /** Of a hybrid application. */
  httpPort = 0;
  private notes: { readonly name: string; readonly detail: unknown }[] = [];
  private readonly waiting = new Set<() => void>();
  private readonly questions = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  private lastId = 0;
  private listening = false;
  private gone = false;
  private stderr = '';

  constructor(private readonly process: ChildProcess) {
    process.stderr?.on('data', (text: Buffer) => {
      this.stderr += text.toString();
    });
    process.on('message', (told: Told) => {
      this.take(told);
      this.changed();
    });
    process.on('exit', () => {
      this.gone = true;
      for (const { reject } of this.questions.values()) reject(this.ended());
      this.changed();
    });
  }

  async untilListening(): Promise<void> {
    await this.until(() => this.listening);
  }

  /** Waits for the next note of that name, and takes it with those before it of the same name. */
  async noted(name: string, fits: (detail: unknown) => boolean = () => true): Promise<unknown> {
    const isIt = (entry: { readonly name: string; readonly detail: unknown }): boolean =>
      entry.name === name && fits(entry.detail);
    await this.until(() => this.notes.some(isIt));
    const index = this.notes.findIndex(isIt);
    const [found] = this.notes.splice(index, 1);
    return found?.detail;
  }

  /** Takes all notes of that name that are here. */
  takeNotes(name: string): unknown[] {
    const taken = this.notes.filter((entry) => entry.name === name).map(({ detail }) => detail);
    this.notes = this.notes.filter((entry) => entry.name !== name);
    return taken;
  }

  count(name: string): Promise<number> {
    return this.ask('count', name) as Promise<number>;
  }

  /** Opens the gate of that name. */
  async open(name: string): Promise<void> {
    await this.ask('open', name);
  }

  /** Bytes of the process, and bytes that are really held, behind a garbage collection. */
  memory(): Promise<{ rss: number; held: number }> {
    return this.ask('memory', '') as Promise<{ rss: number; held: number }>;
  }

  /** For one that was started as a standby. */
  async listen(): Promise<void> {
    await this.ask('listen', '');
  }

  /** `app.close()`. */
  async close(): Promise<void> {
    await this.ask('close', '');
  }

  /** Stops the process where it is; it keeps its connections and says nothing. Goes on when the test ends. */
  suspend(): void {
    onTestFinished(() => {
      this.resume();
    });
    this.process.kill('SIGSTOP');
  }

  resume(): void {
    this.process.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    await this.signal('SIGKILL');
  }

  /** Sends a signal of which the process ends, and waits for that. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    if (this.gone) return;
    const exit = once(this.process, 'exit');
    this.process.kill(signal);
    await exit;
  }

  private async ask(what: Question['what'], name: string): Promise<unknown> {
    if (this.gone) throw this.ended();
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.questions.set(id, { resolve, reject });
      this.process.send({ id, what, name } satisfies Question);
    });
  }

  private take(told: Told): void {
    if ('port' in told) {
      this.port = told.port;
      this.httpPort = told.http ?? 0;
      this.listening = true;
    } else if ('note' in told) {
      this.notes.push({ name: told.note, detail: told.detail });
    } else {
      const question = this.questions.get(told.id);
      this.questions.delete(told.id);
      if (told.error === undefined) question?.resolve(told.value);
      else question?.reject(new Error(told.error));
    }
  }

  private async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.gone) throw this.ended();
      await new Promise<void>((resolve) => this.waiting.add(resolve));
    }
  }

  private changed(): void {
    const resolves = [...this.waiting];
    this.waiting.clear();
    for (const resolve of resolves) resolve();
  }

  private ended(): Error {
    return new Error(`the service has ended\n${this.stderr}`);
  }
}

/** Starts an application of test/nest-sessions/support/service in a process of its own. */
export async function startProcess(app: string, given: ServiceOptions = {}): Promise<ServiceProcess> {
  const { transport = 'xtcp', options = {}, hybrid, standby, execArgv = [] } = given;
  const text = JSON.stringify({ app, transport, options, hybrid, standby } satisfies ServiceArguments);
  const service = new ServiceProcess(
    fork(compileService(), [text], {
      execArgv: ['--expose-gc', ...execArgv],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    }),
  );
  try {
    await service.untilListening();
  } catch (error) {
    await service.kill();
    throw error;
  }
  return service;
}

/** As {@link startProcess}, ended with the test. */
export async function serviceOfTest(app: string, given: ServiceOptions = {}): Promise<ServiceProcess> {
  const service = await startProcess(app, given);
  onTestFinished(() => service.kill());
  return service;
}

/** As {@link startProcess}, for all tests of a file. @returns what gives it, once the tests run */
export function serviceOfFile(app: string, given: ServiceOptions = {}): () => ServiceProcess {
  let service: ServiceProcess | undefined;
  beforeAll(async () => {
    service = await startProcess(app, given);
    return () => service?.kill();
  }, START_TIMEOUT_MS);
  return () => {
    if (service === undefined) throw new Error('the service was not started');
    return service;
  };
}
