import 'reflect-metadata';

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { lastValueFrom, map, type Observable } from 'rxjs';

import { XtcpClient } from '../index.js';
import { address } from './address.js';

/** The demo of the README: starts the service in a process of its own, calls it twice, and stops it. */
async function main(): Promise<void> {
  const service = fork(fileURLToPath(new URL('service.js', import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  if (!(await isReady(service))) {
    process.exitCode = 1;
    return;
  }
  const client = new XtcpClient(address);
  try {
    console.log(`name: ${await lastValueFrom(decorated(client.send('toupper', 'xiaoxiao')))}`);
    console.log(`name2: ${await lastValueFrom(decorated(client.send('toupper', 'wo men dou shi hao hai zi')))}`);
  } finally {
    await client.close();
    service.kill();
    await once(service, 'exit');
  }
}

/** What the old client's response handler did. */
function decorated(answer: Observable<string>): Observable<string> {
  return answer.pipe(map((message) => `--------${message}--------`));
}

/** Whether the service came up; where it did not, it has said why. */
async function isReady(service: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    service.once('message', () => {
      resolve(true);
    });
    service.once('exit', () => {
      resolve(false);
    });
  });
}

main().catch((error: unknown) => {
  console.error(`The demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
