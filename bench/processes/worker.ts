import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import type { Answer, Answers, Question, Told } from './questions.js';
import type { Start } from './start.js';

/** Milliseconds that an answer may take: whatever a load asks for is over long before. */
const ANSWER_MS = 30_000;
/** Milliseconds that a process has to exit by itself. */
const EXIT_MS = 2000;

/** The parent's side of a process that answers `A`. */
export class Worker<A extends Answers> {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  private lastId = 0;
  private stderr = '';

  /**
   * @param file beside this one
   * @param start what it reads from its first argument, as JSON
   * @param profileFolder where it leaves a CPU profile; undefined for none
   */
  constructor(
    private readonly file: string,
    start: Start,
    profileFolder: string | undefined,
  ) {
    const profileName = `${start.contender}-${file}-${Date.now()}.cpuprofile`;
    const profiling =
      profileFolder === undefined
        ? []
        : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`, `--cpu-prof-name=${profileName}`];
    this.child = fork(fileURLToPath(new URL(file, import.meta.url)), [JSON.stringify(start)], {
      execArgv: ['--expose-gc', '--enable-source-maps', ...profiling],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.child.stderr?.on('data', (text: Buffer) => {
      this.stderr += text.toString();
    });
    this.child.on('exit', () => {
      for (const { reject } of this.waiting.values()) reject(this.ended());
    });
    this.child.on('message', (told: Told) => {
      if (told !== 'ready') this.take(told);
    });
  }

  /** Waits until it can be asked. */
  async ready(): Promise<this> {
    await Promise.race([
      once(this.child, 'message'),
      once(this.child, 'exit').then(() => {
        throw this.ended();
      }),
    ]);
    return this;
  }

  async ask<What extends keyof A & string>(
    what: What,
    ...args: Parameters<A[What]>
  ): Promise<Awaited<ReturnType<A[What]>>> {
    if (!this.child.connected) throw this.ended();
    const id = ++this.lastId;
    let timer: NodeJS.Timeout | undefined;
    const answer = new Promise<unknown>((resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`${this.file} has not answered "${what}" within ${ANSWER_MS} ms`));
      }, ANSWER_MS);
      this.waiting.set(id, { resolve, reject });
      this.child.send({ id, what, args } satisfies Question);
    });
    try {
      return (await answer) as Awaited<ReturnType<A[What]>>;
    } finally {
      clearTimeout(timer);
      this.waiting.delete(id);
    }
  }

  /** Resolves when it is gone: by itself, which leaves its profile, or else by force. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    if (this.child.connected) this.child.disconnect();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), EXIT_MS);
    await exit;
    clearTimeout(timer);
  }

  private take({ id, value, error }: Answer): void {
    const question = this.waiting.get(id);
    if (error === undefined) question?.resolve(value);
    else question?.reject(new Error(error));
  }

  private ended(): Error {
    return new Error(`${this.file} has ended\n${this.stderr}`);
  }
}
