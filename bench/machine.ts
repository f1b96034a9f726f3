import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';

import { ROOT } from './root.js';

/** What the figures depend on. Nothing in it says whose machine it is. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** The operating system's kernel. */
  readonly kernel: string;
  readonly node: string;
  /** Of this package and of those that it is measured with. */
  readonly versions: Readonly<Record<string, string>>;
}

const PACKAGES = ['@nestjs/core', '@nestjs/microservices', 'rxjs', '@grpc/grpc-js', '@grpc/proto-loader'];

export function describeMachine(): Machine {
  const versions = PACKAGES.map((name) => [name, versionIn(join('node_modules', name))]);
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    // Without what its builder added.
    kernel: `${type()} ${/^[\d.]*\d/.exec(release())?.[0] ?? ''}`,
    node: process.version,
    versions: { 'nestjs-xtcp': versionIn('.'), ...Object.fromEntries(versions) },
  };
}

function versionIn(folder: string): string {
  return (JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as { version: string }).version;
}
