import { IntrinsicException } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';

import { encodePayload } from '../classic/payload.js';
import { XtcpError } from '../errors/xtcp-error.js';
import type { Field } from '../wire/encoder.js';
import type { Outcome } from './run-handler.js';

/** Nest's own words for an error that tells the caller nothing (BaseRpcExceptionFilter). */
const UNKNOWN_ERROR = 'Internal server error';

/** The classic answer to how a handler ended, and what of it is for the log, since the answer does not tell. */
export interface ClassicAnswer {
  readonly result: Field | XtcpError;
  readonly toLog?: unknown;
}

export function answerOf(outcome: Outcome): ClassicAnswer {
  switch (outcome.kind) {
    case 'value':
      try {
        return { result: encodePayload(outcome.value) };
      } catch (error) {
        return internal(error);
      }
    case 'filtered':
      return outcome.error instanceof Error && !(outcome.error instanceof RpcException)
        ? internal(outcome.error)
        : application(outcome.error);
    case 'unfiltered':
      return internal(outcome.error);
  }
}

/** What the filters produced, verbatim; an RpcException that a filter handed on as Nest's base filter would. */
function application(error: unknown): ClassicAnswer {
  const details = error instanceof RpcException ? describe(error) : error;
  try {
    // What cannot be JSON is found here, before the answer is written.
    const sent: unknown = JSON.parse(JSON.stringify(details) ?? 'null');
    return { result: new XtcpError('APPLICATION', UNKNOWN_ERROR, { details: sent }) };
  } catch (notJson) {
    return internal(notJson);
  }
}

function describe(exception: RpcException): unknown {
  const error = exception.getError();
  return typeof error === 'object' ? error : { status: 'error', message: error };
}

function internal(error: unknown): ClassicAnswer {
  const result = new XtcpError('INTERNAL', UNKNOWN_ERROR);
  return error instanceof IntrinsicException ? { result } : { result, toLog: error };
}
