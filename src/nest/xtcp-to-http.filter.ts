import { Catch, HttpException, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';

import { XtcpError } from '../errors/xtcp-error.js';
import { statusOfCode } from './http-status.js';

/**
 * For gateways: answers HTTP requests whose handlers failed on a call. A code becomes its status, and what a service
 * answered through {@link HttpToXtcpFilter} the response that it was there. What a service never meant for others, such
 * as the details of an INTERNAL error, stays here.
 *
 *     { provide: APP_FILTER, useClass: XtcpToHttpFilter }
 */
@Catch()
export class XtcpToHttpFilter extends BaseExceptionFilter {
  override catch(exception: unknown, host: ArgumentsHost): void {
    super.catch(toHttpException(exception), host);
  }
}

/** The HttpException that says the same as an error of a call; what is no such error is returned as it is. */
export function toHttpException(error: unknown): unknown {
  if (error instanceof XtcpError) {
    const response = responseIn(error.details);
    if (response !== undefined) return new HttpException(response, response.statusCode, { cause: error });
    const status = statusOfCode(error.code);
    // The message of an error on the way names hosts and ports, which are nobody's business outside.
    return new HttpException({ statusCode: status, message: error.code }, status, { cause: error });
  }
  if (error instanceof Error) return error;
  const response = responseIn(error);
  return response === undefined ? error : new HttpException(response, response.statusCode);
}

function responseIn(details: unknown): { statusCode: number } | undefined {
  if (typeof details !== 'object' || details === null || !('statusCode' in details)) return undefined;
  const { statusCode } = details;
  if (!Number.isInteger(statusCode) || (statusCode as number) < 400 || (statusCode as number) > 599) return undefined;
  return details as { statusCode: number };
}
