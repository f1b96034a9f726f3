#!/usr/bin/env node
import * as nodeModule from 'node:module';

// From Node 22.8 on, what is loaded below is compiled once and for all runs.
const { enableCompileCache } = nodeModule as { readonly enableCompileCache?: () => unknown };
enableCompileCache?.();
const { run } = await import('./run.js');
// Not left to end by itself: a look-up of a host name that nobody waits for any more would keep it.
process.exit(await run(process.argv.slice(2)));
