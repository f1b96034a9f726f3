import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { built } from './dist.js';
import { Program, ROOT } from './processes.js';

interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly type: string;
  readonly license: string;
  readonly engines: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

interface Locked {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(join(ROOT, name), 'utf8')) as T;
}

/** The folder in which Node finds package `name`, asked for by the one in folder `from`; undefined where in none. */
function find(packages: Readonly<Record<string, Locked>>, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (packages[path] !== undefined) return path;
    if (folder === '') return undefined;
  }
}

describe('the tarball', () => {
  let packed: string[] = [];

  beforeAll(async () => {
    built('index.js');
    // Without its scripts: prepack would build, and take away what other tests are running just now.
    const npm = new Program('npm', ['pack', '--dry-run', '--json', '--ignore-scripts']);
    const { code, stdout, stderr } = await npm.exit;
    if (code !== 0) throw new Error(`npm pack failed: ${stderr}`);
    const [tarball] = JSON.parse(stdout) as { files: { path: string }[] }[];
    packed = tarball!.files.map(({ path }) => path);
  }, 60_000);

  it('holds the built library and what tells of it, nothing else', () => {
    expect(packed.filter((path) => !path.startsWith('dist/')).toSorted()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'package.json',
    ]);
    expect(packed.filter((path) => path.startsWith('dist/demo/'))).toEqual([]);
    expect(packed.filter((path) => !/\.(?:js|js\.map|d\.ts)$/.test(path) && path.startsWith('dist/'))).toEqual([]);
  });

  it('holds each file of the library built, with its declarations and its source map', () => {
    const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.startsWith('demo/'))
      .map((path) => `dist/${path.slice(0, -'.ts'.length)}`);
    expect(packed.filter((path) => path.startsWith('dist/')).toSorted()).toEqual(
      sources.flatMap((path) => [`${path}.d.ts`, `${path}.js`, `${path}.js.map`]).toSorted(),
    );
  });

  it('holds the sources inside the source maps', () => {
    const maps = packed.filter((path) => path.endsWith('.js.map'));
    expect(maps.length).toBeGreaterThan(0);
    const incomplete = maps.filter((path) => {
      const map = read<{ sources: string[]; sourcesContent?: (string | null)[] }>(path);
      const texts = map.sourcesContent?.filter((text) => text !== null && text !== '') ?? [];
      return texts.length !== map.sources.length;
    });
    expect(incomplete).toEqual([]);
  });
});

describe('package.json', () => {
  const manifest = read<PackageJson>('package.json');

  it('asks for what its command line is made of, and has all else brought by the application', () => {
    expect(Object.keys(manifest.dependencies)).toEqual(['cli-progress', 'commander', 'picocolors']);
    expect(manifest).not.toHaveProperty('optionalDependencies');
    expect(manifest).not.toHaveProperty('bundleDependencies');
    expect(manifest).not.toHaveProperty('bundledDependencies');
    expect(Object.keys(manifest.peerDependencies).toSorted()).toEqual([
      '@nestjs/common',
      '@nestjs/core',
      '@nestjs/microservices',
      '@nestjs/terminus',
      '@opentelemetry/api',
      'msgpackr',
      'prom-client',
      'reflect-metadata',
      'rxjs',
    ]);
  });

  it('has the command line for a bin, so that npx runs it by the name of the package', () => {
    expect(manifest.bin).toEqual({ xtcp: 'dist/cli/main.js' });
  });

  it('says which Node it needs', () => {
    expect(manifest).toMatchObject({ name: 'nestjs-xtcp', type: 'module', license: 'MIT' });
    expect(manifest.engines).toEqual({ node: '>=20.19' });
  });

  it.each([
    ['.', './dist/index'],
    ['./opentelemetry', './dist/opentelemetry/index'],
    ['./prometheus', './dist/prometheus/index'],
    ['./terminus', './dist/terminus/index'],
  ])('exports %s with types first and a condition that require() takes too', (entry, path) => {
    expect(Object.entries(manifest.exports[entry] ?? {})).toEqual([
      ['types', `${path}.d.ts`],
      ['default', `${path}.js`],
    ]);
  });
});

describe('package-lock.json', () => {
  const manifest = read<PackageJson>('package.json');
  const lock = read<{ name: string; version: string; packages: Record<string, Locked> }>('package-lock.json');
  const { '': root, ...installed } = lock.packages;

  it('is that of package.json', () => {
    const { name, version, license, bin, engines, dependencies, peerDependencies, devDependencies } = manifest;
    expect({ name: lock.name, version: lock.version }).toEqual({ name, version });
    const { peerDependenciesMeta } = manifest;
    expect(Object.entries(peerDependenciesMeta)).toEqual(
      ['@nestjs/terminus', '@opentelemetry/api', 'msgpackr', 'prom-client'].map((peer) => [peer, { optional: true }]),
    );
    expect(root).toEqual({
      name,
      version,
      license,
      bin,
      engines,
      dependencies,
      peerDependencies,
      peerDependenciesMeta,
      devDependencies,
    });
  });

  it('names no place to download from, so that the registry in use is asked', () => {
    const places = Object.entries(installed).filter(([, { resolved }]) => resolved !== undefined);
    expect(places).toEqual([]);
  });

  it('holds every package to its checksum', () => {
    const unchecked = Object.entries(installed).filter(([, { integrity }]) => integrity === undefined);
    expect(unchecked).toEqual([]);
  });

  it('holds what its packages ask for, on every platform: npm ci refuses to install from it otherwise', () => {
    const missing = Object.entries(installed).flatMap(([folder, { dependencies, optionalDependencies }]) =>
      Object.entries({ ...dependencies, ...optionalDependencies })
        .filter(([name]) => find(installed, folder, name) === undefined)
        .map(([name, version]) => `${name}@${version}, for ${folder}`),
    );
    expect(missing).toEqual([]);
  });
});
