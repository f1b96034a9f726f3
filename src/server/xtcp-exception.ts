import { RpcException } from '@nestjs/microservices';

import type { XtcpErrorCode } from '../errors/xtcp-error.js';

/**
 * An error with a code, for handlers, guards, pipes and filters to throw: it reaches the caller as an
 * {@link XtcpError} with the same code, message and details.
 */
export class XtcpException extends RpcException {
  /** @param details anything that has JSON */
  constructor(
    readonly code: XtcpErrorCode,
    message: string,
    readonly details?: unknown,
  ) {
    super(message);
  }

  /** Itself: so Nest's base filter hands it on whole, and it is told from what other exceptions hold. */
  override getError(): object {
    return this;
  }

  /** What other transports send of it. */
  toJSON(): object {
    return { status: 'error', code: this.code, message: this.message, details: this.details };
  }
}
