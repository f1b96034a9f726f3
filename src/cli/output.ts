import { once } from 'node:events';

import pc from 'picocolors';

export type Colors = ReturnType<typeof pc.createColors>;

/** Columns where there is no terminal that says how many it has. */
const USUAL_WIDTH = 80;

/** Nobody reads what is printed any more. */
export class ClosedOutputError extends Error {
  override readonly name = 'ClosedOutputError';
}

/** Stdout or stderr: written at the pace of its reader, coloured where that is a terminal. */
export class Output {
  readonly isTerminal: boolean;
  readonly colors: Colors;
  private failure: Error | undefined;

  constructor(
    private readonly stream: NodeJS.WriteStream,
    environment: NodeJS.ProcessEnv = process.env,
  ) {
    // Typed as always there, but undefined where it is none; the colours would be those of the environment then.
    this.isTerminal = (stream.isTTY as boolean | undefined) === true;
    const { NO_COLOR = '', TERM } = environment;
    this.colors = pc.createColors(this.isTerminal && NO_COLOR === '' && TERM !== 'dumb');
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.failure ??= error.code === 'EPIPE' ? new ClosedOutputError(error.message) : error;
    });
  }

  /** Columns of the terminal. */
  get width(): number {
    return (this.isTerminal && this.stream.columns) || USUAL_WIDTH;
  }

  /**
   * Resolves when there is room for more.
   * @throws {ClosedOutputError} where the reader has gone
   */
  async write(chunk: string | Uint8Array): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    if (this.stream.write(chunk)) return;
    try {
      await once(this.stream, 'drain');
    } catch (error) {
      throw this.failure ?? error;
    }
  }

  async line(text: string): Promise<void> {
    await this.write(`${text}\n`);
  }

  /** Resolves when all is written. @throws {ClosedOutputError} where it cannot be */
  async flush(): Promise<void> {
    if (this.failure === undefined && this.stream.writableLength > 0) {
      await new Promise<void>((resolve) => {
        this.stream.write('', () => {
          resolve();
        });
      });
    }
    if (this.failure !== undefined) throw this.failure;
  }
}
