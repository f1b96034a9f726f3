import { built } from '../package/dist.js';
import { runProgram, startProgram, type Exit, type Program, type ProgramOptions } from '../package/processes.js';

/** Nothing of what the tests run in is to change what the program does. */
const ENVIRONMENT = { NO_COLOR: '', FORCE_COLOR: '', XTCP_AUTH: '' };

function options(given: ProgramOptions): ProgramOptions {
  return { ...given, env: { ...ENVIRONMENT, ...given.env } };
}

/** Runs the built program to its end, with nothing on its stdin. */
export async function xtcp(args: readonly string[], given: ProgramOptions = {}): Promise<Exit> {
  return runProgram(process.execPath, [built('cli/main.js'), ...args], options(given));
}

/** Starts the built program; ended, at the latest, when the test is. */
export function startXtcp(args: readonly string[], given: ProgramOptions = {}): Program {
  return startProgram(process.execPath, [built('cli/main.js'), ...args], options(given));
}

/** Runs the built program with this on its stdin. */
export async function xtcpReading(input: string | Uint8Array, args: readonly string[]): Promise<Exit> {
  const program = startXtcp(args);
  void program.write(input);
  program.endInput();
  return program.exit;
}

/** How a program ended that printed this, and nothing else. */
export function exited(code: number, stdout: string, stderr = ''): Exit {
  return { code, signal: null, stdout, stderr };
}
