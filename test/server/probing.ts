import { spawnSync } from 'node:child_process';
import { request as askPlain, type IncomingHttpHeaders, type RequestOptions } from 'node:http';
import { request as askTls } from 'node:https';

import { runProgram, type Exit } from '../package/processes.js';

export interface HttpAnswer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Asks once, over a connection of its own. */
export function ask(
  options: RequestOptions & { readonly ca?: string; readonly cert?: string; readonly key?: string },
  body?: string,
): Promise<HttpAnswer> {
  const askBy = options.ca === undefined ? askPlain : askTls;
  return new Promise((resolve, reject) => {
    const request = askBy({ host: '127.0.0.1', agent: false, ...options }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode, headers } = response;
        resolve({ status: statusCode, headers, text: Buffer.concat(pieces).toString() });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** The status that a path has. */
export async function statusOf(port: number, path: string): Promise<number | undefined> {
  return (await ask({ port, path })).status;
}

export const hasCurl = spawnSync('curl', ['--version'], { stdio: 'ignore' }).status === 0;
if (!hasCurl) process.stderr.write('There is no curl on the PATH: the tests that run it are skipped.\n');

/** Runs curl, which says nothing of its progress and gives up after a while. */
export function curl(...args: readonly string[]): Promise<Exit> {
  return runProgram('curl', ['--silent', '--show-error', '--max-time', '8', ...args]);
}
