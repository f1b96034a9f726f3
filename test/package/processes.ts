import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { onTestFinished } from 'vitest';

/** The root of this package. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface ProgramOptions {
  readonly cwd?: string;
  /** Added to the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it leads a process group of its own; for programs that start others, which are then ended with it. */
  readonly group?: boolean;
}

/** How a program ended, and all that it printed. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program in a process of its own; its stdin is a pipe that stays open until {@link Program.endInput}. */
export class Program {
  /** Resolves when it has exited and all that it printed is here. */
  readonly exit: Promise<Exit>;
  private readonly child: ChildProcess;
  private readonly out: Buffer[] = [];
  private readonly errors: Buffer[] = [];
  private readonly waiting = new Set<() => void>();
  private ended: Exit | undefined;

  constructor(
    private readonly command: string,
    args: readonly string[],
    private readonly options: ProgramOptions = {},
  ) {
    this.child = spawn(command, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...process.env, ...options.env },
      detached: options.group ?? false,
      stdio: 'pipe',
    });
    this.child.stdout?.on('data', (data: Buffer) => {
      this.out.push(data);
      this.changed();
    });
    this.child.stderr?.on('data', (data: Buffer) => {
      this.errors.push(data);
    });
    // It may exit before it has read what it was given.
    this.child.stdin?.on('error', () => {});
    this.exit = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code, signal) => {
        this.ended = { code, signal, stdout: this.stdout, stderr: this.stderr };
        resolve(this.ended);
        this.changed();
      });
    });
    // Whoever waits for the exit is told; nobody has to.
    this.exit.catch(() => {});
  }

  get stdout(): string {
    return Buffer.concat(this.out).toString();
  }

  /** Its stdout as it is. */
  get octets(): Buffer {
    return Buffer.concat(this.out);
  }

  get stderr(): string {
    return Buffer.concat(this.errors).toString();
  }

  get running(): boolean {
    return this.ended === undefined && this.child.pid !== undefined;
  }

  /** Waits until stdout matches, and returns the match; fails where the program exits before. */
  async untilPrinted(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout);
      if (match !== null) return match;
      if (!this.running) {
        const { code, signal } = await this.exit;
        throw new Error(`${this.command} exited (${signal ?? code}) without having printed ${pattern}: ${this.stderr}`);
      }
      await new Promise<void>((resolve) => this.waiting.add(resolve));
    }
  }

  /** Sends a signal to this one process, not to those that it started. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Sends a signal to it and to those that it started, as Ctrl-C in a terminal does. */
  signalGroup(signal: NodeJS.Signals): void {
    if (this.options.group !== true) throw new Error('the program was not started as a group');
    if (this.child.pid !== undefined) process.kill(-this.child.pid, signal);
  }

  /** Puts this on its stdin. Resolves when it has read all but what a pipe holds. */
  async write(input: string | Uint8Array): Promise<void> {
    await new Promise<void>((resolve) => {
      this.child.stdin?.write(input, () => {
        resolve();
      });
    });
  }

  /** Reads no more of its stdout, until {@link Program.resumeOutput}. */
  pauseOutput(): void {
    this.child.stdout?.pause();
  }

  resumeOutput(): void {
    this.child.stdout?.resume();
  }

  /** Reads its stdout no more, for good, as `head` does. */
  closeOutput(): void {
    this.child.stdout?.destroy();
  }

  endInput(): void {
    this.child.stdin?.end();
  }

  /** Ends it by force where it still runs, with its group if it leads one; resolves when it is gone. */
  async destroy(): Promise<void> {
    const { pid } = this.child;
    if (pid === undefined) return;
    if (this.options.group === true) killGroup(pid);
    else if (this.running) this.child.kill('SIGKILL');
    await this.exit;
  }

  private changed(): void {
    const resolves = [...this.waiting];
    this.waiting.clear();
    for (const resolve of resolves) resolve();
  }
}

/** Starts a program that is ended, at the latest, when the test is. */
export function startProgram(command: string, args: readonly string[], options: ProgramOptions = {}): Program {
  const program = new Program(command, args, options);
  onTestFinished(() => program.destroy());
  return program;
}

/** Runs a program to its end, with nothing on its stdin. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Exit> {
  const program = startProgram(command, args, options);
  program.endInput();
  return program.exit;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: all of them are gone, which is how it should be.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
