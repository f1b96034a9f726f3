import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { built } from './dist.js';
import { applicationFolder, type Folder } from './folder.js';
import { runProgram } from './processes.js';

const TIMEOUT_MS = 30_000;

/** Makes a process one in which prom-client is not installed. */
const WITHOUT = `
const Module = require('node:module');
const resolve = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  if (request !== 'prom-client') return resolve.call(this, request, ...rest);
  throw Object.assign(new Error("Cannot find module 'prom-client'"), { code: 'MODULE_NOT_FOUND' });
};
`;

/** Serves with the probes that are given as JSON, and prints what is asked for. */
const SERVER = `
import 'reflect-metadata';
import { createRequire } from 'node:module';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { XtcpServer } from 'nestjs-xtcp';

class AppModule {}
Module({})(AppModule);

const [probes, ...paths] = process.argv.slice(2);
const strategy = new XtcpServer({ port: 0, probes: JSON.parse(probes) });
const app = await NestFactory.createMicroservice(AppModule, { strategy, logger: false });
const { port } = await app.listen();
for (const path of paths) {
  const answer = await fetch('http://127.0.0.1:' + port + path);
  console.log(answer.status, (await answer.text()).split('\\n')[0]);
}
await app.close();
const { cache } = createRequire(import.meta.url);
console.log(Object.keys(cache).some((file) => file.includes('/node_modules/prom-client/')));
`;

const METRICS = `
const metrics = new XtcpMetrics();
register.getSingleMetricAsString('xtcp_client_connections').then((text) => {
  console.log(text);
  metrics.stop();
});
`;

describe('metrics for Prometheus', { timeout: TIMEOUT_MS }, () => {
  let folder: Folder;

  beforeAll(() => {
    built('prometheus/index.js');
    folder = applicationFolder('prometheus', { type: 'module' });
    folder.write('without.cjs', WITHOUT);
    folder.write('server.js', SERVER);
    folder.write(
      'metrics.js',
      `import { register } from 'prom-client';\nimport { XtcpMetrics } from 'nestjs-xtcp/prometheus';\n${METRICS}`,
    );
    folder.write(
      'metrics.cjs',
      `const { register } = require('prom-client');\nconst { XtcpMetrics } = require('nestjs-xtcp/prometheus');\n${METRICS}`,
    );
  });

  afterAll(() => {
    folder.remove();
  });

  const run = (...args: string[]): ReturnType<typeof runProgram> =>
    runProgram(process.execPath, args, { cwd: folder.path });

  it.each(['metrics.js', 'metrics.cjs'])('are kept in the register of the application: %s', async (file) => {
    const exit = await run(file);
    expect(exit).toMatchObject({ code: 0, stderr: '' });
    expect(exit.stdout).toContain('# TYPE xtcp_client_connections gauge\nxtcp_client_connections 0\n');
  });

  it('are served by a server that finds prom-client by itself', async () => {
    const exit = await run('server.js', 'true', '/livez', '/metrics');
    expect(exit).toMatchObject({ code: 0, stderr: '' });
    expect(exit.stdout).toBe(
      '200 alive\n200 # HELP xtcp_client_calls_in_flight Calls and events that are being made\ntrue\n',
    );
  });

  it('do not have prom-client loaded where nobody asked for them', async () => {
    expect(await run('server.js', 'false')).toMatchObject({ code: 0, stdout: 'false\n', stderr: '' });
    const exit = await run('server.js', '{"metrics":false}', '/livez', '/metrics');
    expect(exit.stdout).toBe('200 alive\n404 not found; there is GET and HEAD of /livez, /readyz\nfalse\n');
  });

  it('are 501 where prom-client is not installed, beside the other probes', async () => {
    const exit = await run('--require', './without.cjs', 'server.js', 'true', '/readyz', '/metrics');
    expect(exit).toMatchObject({ code: 0, stderr: '' });
    expect(exit.stdout).toBe('200 ready\n501 metrics need the package prom-client: npm install prom-client\nfalse\n');
  });

  it('say what to install where prom-client is not', async () => {
    folder.write(
      'alone.js',
      `import { XtcpMetrics } from 'nestjs-xtcp/prometheus';\ntry { new XtcpMetrics(); } catch (error) { console.log(String(error)); }`,
    );
    const exit = await run('--require', './without.cjs', 'alone.js');
    expect(exit.stdout).toBe('XtcpError: XtcpMetrics needs the package prom-client: npm install prom-client\n');
  });
});
