import { CommanderError } from 'commander';

import { EXIT, exitCodeOf } from './exit-codes.js';
import { failureLine, oneLine } from './failure-line.js';
import { Interrupt } from './interrupt.js';
import { ClosedOutputError, Output } from './output.js';
import { makeProgram } from './program.js';
import { UsageError } from './usage-error.js';

/** Runs the command line. @returns what to exit with, when all that it printed is out */
export async function run(args: readonly string[]): Promise<number> {
  const out = new Output(process.stdout);
  const err = new Output(process.stderr);
  const interrupt = new Interrupt();
  const { program, state } = makeProgram({ out, err, interrupt });
  let code: number;
  try {
    await program.parseAsync(args, { from: 'user' });
    code = state.exitCode;
  } catch (error) {
    if (error instanceof ClosedOutputError) return EXIT.closedOutput;
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    code = await tell(error, err);
  }
  try {
    await out.flush();
    await err.flush();
  } catch {
    return EXIT.closedOutput;
  }
  return code;
}

async function tell(error: unknown, err: Output): Promise<number> {
  if (!(error instanceof CommanderError)) {
    const line = error instanceof UsageError ? usageLine(error.message) : failureLine(error);
    await err.line(err.colors.red(line)).catch(() => {});
    return exitCodeOf(error);
  }
  // Help and version are printed already.
  if (error.exitCode === 0) return EXIT.ok;
  if (error.code === 'commander.help') return EXIT.usage;
  const advice = error.code === 'commander.unknownOption' ? '; put -- before data that begins with -' : '';
  const line = usageLine(error.message.replace(/^error: /, '') + advice);
  await err.line(err.colors.red(line)).catch(() => {});
  return EXIT.usage;
}

function usageLine(message: string): string {
  return oneLine(`xtcp: INVALID_ARGUMENT: ${message}`);
}
