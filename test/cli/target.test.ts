import { describe, expect, it } from 'vitest';

import { parseTarget } from '../../src/cli/target.js';

describe('a target', () => {
  it.each([
    ['localhost:8001', { host: 'localhost', port: 8001 }],
    ['upper.example', { host: 'upper.example', port: 8001 }],
    ['10.0.0.1:1', { host: '10.0.0.1', port: 1 }],
    [':9000', { host: '127.0.0.1', port: 9000 }],
    ['[::1]:9000', { host: '::1', port: 9000 }],
    ['[::1]', { host: '::1', port: 8001 }],
    ['fe80::1', { host: 'fe80::1', port: 8001 }],
    ['unix:/run/upper.sock', { path: '/run/upper.sock' }],
    ['unix:upper.sock', { path: 'upper.sock' }],
  ])('%s is read', (text, endpoint) => {
    expect(parseTarget(text)).toEqual(endpoint);
  });

  it.each([
    ['', 'is empty'],
    ['unix:', 'has no path'],
    ['xtcp://a:1', 'is a URL'],
    ['8001', 'has only a number for its host'],
    ['a:', 'has no port'],
    [':', 'has no port'],
    ['a:b', 'cannot be read'],
    ['a:0', 'has a port that is not from 1 to 65535'],
    ['a:65536', 'has a port that is not from 1 to 65535'],
    ['[a]:1', 'has no IPv6 address'],
    ['a b:1', 'cannot be read'],
    ['a:1:2', 'cannot be read'],
  ])('%j is refused: it %s', (text, why) => {
    expect(() => parseTarget(text)).toThrow(`the target ${JSON.stringify(text)} ${why}`);
  });
});
