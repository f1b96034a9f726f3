import { IntrinsicException } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';

import { XtcpError } from '../errors/xtcp-error.js';
import { toJson } from '../wire/codec.js';
import { XtcpException } from './xtcp-exception.js';

/** Nest's own words for an error that tells the caller nothing (BaseRpcExceptionFilter). */
const UNKNOWN_ERROR = 'Internal server error';

/** Where an error of a handler comes from. */
export type ErrorOrigin =
  /** What the exception filters made of it. */
  | 'filtered'
  /** An iterator that the handler returned: Nest's filters never see it. */
  | 'iterator'
  /** It went past the filters: a filter's own, a result that cannot be sent, a handler that is not Nest's. */
  | 'unfiltered';

/** The error that the caller is told, and what of it is for the log, since the caller is not told. */
export interface ToldError {
  readonly error: XtcpError;
  readonly toLog?: unknown;
}

export function errorOf(error: unknown, origin: ErrorOrigin): ToldError {
  if (error instanceof XtcpException) {
    return { error: new XtcpError(error.code, error.message, { details: error.details }) };
  }
  if (error instanceof RpcException) return application(describe(error));
  if (origin === 'filtered' && !(error instanceof Error)) return application(error);
  // What Nest's base filter would have answered and logged.
  if (origin === 'iterator') {
    const told = application({ status: 'error', message: UNKNOWN_ERROR });
    return error instanceof IntrinsicException ? told : { ...told, toLog: error };
  }
  const internal = new XtcpError('INTERNAL', UNKNOWN_ERROR);
  return error instanceof IntrinsicException ? { error: internal } : { error: internal, toLog: error };
}

function application(details: unknown): ToldError {
  try {
    // What has no JSON is found here, before anything is written.
    toJson(details ?? null);
  } catch (notJson) {
    return errorOf(notJson, 'unfiltered');
  }
  return { error: new XtcpError('APPLICATION', messageOf(details), { details: details ?? null }) };
}

function describe(exception: RpcException): unknown {
  const error = exception.getError();
  return typeof error === 'object' ? error : { status: 'error', message: error };
}

/** For those who look at the message alone. */
function messageOf(details: unknown): string {
  if (typeof details === 'string') return details;
  const message = typeof details === 'object' && details !== null && 'message' in details ? details.message : undefined;
  return typeof message === 'string' ? message : 'the handler failed';
}
