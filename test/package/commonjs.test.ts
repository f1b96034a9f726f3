import { expect, it, onTestFinished } from 'vitest';

import { built } from './dist.js';
import { applicationFolder } from './folder.js';
import { runProgram } from './processes.js';

const APPLICATION = `
require('reflect-metadata');
const { Controller, Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { ClientProxyFactory, MessagePattern } = require('@nestjs/microservices');
const { lastValueFrom } = require('rxjs');
const { XtcpClient, XtcpServer } = require('nestjs-xtcp');

class UpperController {
  toupper(name) {
    return name.toUpperCase();
  }
}
const method = Object.getOwnPropertyDescriptor(UpperController.prototype, 'toupper');
MessagePattern('toupper')(UpperController.prototype, 'toupper', method);
Controller()(UpperController);

class AppModule {}
Module({ controllers: [UpperController] })(AppModule);

async function main() {
  const strategy = new XtcpServer({ port: 0 });
  const app = await NestFactory.createMicroservice(AppModule, { strategy, logger: false });
  const { port } = await app.listen();
  const client = ClientProxyFactory.create({ customClass: XtcpClient, options: { port } });
  console.log(await lastValueFrom(client.send('toupper', 'xiaoxiao')));
  await client.close();
  await app.close();
}
main();
`;

it('can be required, and serve and call, by an application in CommonJS', { timeout: 30_000 }, async () => {
  built('index.js');
  const folder = applicationFolder('commonjs', { type: 'commonjs' });
  onTestFinished(() => {
    folder.remove();
  });
  folder.write('main.cjs', APPLICATION);
  const exit = await runProgram(process.execPath, ['main.cjs'], { cwd: folder.path });
  expect(exit).toEqual({ code: 0, signal: null, stdout: 'XIAOXIAO\n', stderr: '' });
});
