import { Catch, HttpException, type RpcExceptionFilter } from '@nestjs/common';
import { throwError, type Observable } from 'rxjs';

import { XtcpException } from '../server/xtcp-exception.js';
import { codeOfStatus } from './http-status.js';

/**
 * For services: tells callers of Nest's HttpExceptions, which the transport would answer with "Internal server error".
 * Each arrives as an XtcpError whose code says what its status says, ValidationPipe's as INVALID_ARGUMENT, with its
 * response in `details`; one whose status has no code (404, 409, …) arrives as that response itself.
 *
 *     app.useGlobalFilters(new HttpToXtcpFilter())
 */
@Catch(HttpException)
export class HttpToXtcpFilter implements RpcExceptionFilter<HttpException> {
  catch(exception: HttpException): Observable<never> {
    const status = exception.getStatus();
    const response = exception.getResponse();
    const details =
      typeof response === 'string' ? { statusCode: status, message: response } : { statusCode: status, ...response };
    return throwError(() => new XtcpException(codeOfStatus(status), exception.message, details));
  }
}
