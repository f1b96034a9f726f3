// Loaded before a service: makes the process one in which msgpackr is not installed.
const Module = require('node:module');

const RESOLVE = '_resolveFilename';
const resolve = Module[RESOLVE];
Module[RESOLVE] = function (request, ...rest) {
  if (request === 'msgpackr') {
    throw Object.assign(new Error(`Cannot find module '${request}'`), { code: 'MODULE_NOT_FOUND' });
  }
  return resolve.call(this, request, ...rest);
};
