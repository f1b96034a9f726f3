import 'reflect-metadata';

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { Logger } from '@nestjs/common';

import type { Figures } from './figures.js';
import { soak } from './soak.js';

// npm run soak -- [--seconds 60]: a server in a process of its own, and here the clients that load it.

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } });
const seconds = Number(values.seconds);
if (!(seconds > 0)) throw new Error('--seconds takes a number');
const WARM_UP_MS = 4000;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

Logger.overrideLogger(false);
const server = fork(fileURLToPath(new URL('server.js', import.meta.url)), { execArgv: ['--expose-gc'] });
const [{ port }] = (await once(server, 'message')) as [{ port: number }];
const figures = async (): Promise<Figures> => {
  server.send('figures');
  const [told] = (await once(server, 'message')) as [{ figures: Figures }];
  return told.figures;
};
say(`${seconds} s of load, connections that come and go, and faults`);
const wrong = await soak({ port, figures }, seconds * 1000, WARM_UP_MS, say);
for (const line of wrong) say(`WRONG: ${line}`);
if (wrong.length > 0) process.exitCode = 1;
const exited = once(server, 'exit');
server.disconnect();
await exited;
