import { Controller } from '@nestjs/common';
import { Ctx, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { NEVER, Observable } from 'rxjs';

import type { XtcpContext } from '../../src/index.js';

/** A name that no method of an old server can have. */
export const ODD_METHOD = 'a method: with spaces, 日本 and \r\n\r\n';

/** What the old server of the tests serves, as handlers of Nest; keeps a list of the patterns that were called. */
@Controller()
export class OldMethods {
  readonly called: string[] = [];

  @MessagePattern('toupper')
  toupper(@Payload() name: string, @Ctx() context: XtcpContext): string {
    this.called.push(context.getPattern());
    return name.toUpperCase();
  }

  @MessagePattern(['info', ODD_METHOD])
  info(@Payload() text: string, @Ctx() context: XtcpContext): string {
    this.called.push(context.getPattern());
    return text;
  }

  /** What the handler got, told without line ends: JSON escapes them. */
  @MessagePattern('show')
  show(@Payload() text: string, @Ctx() context: XtcpContext): string {
    this.called.push(context.getPattern());
    return JSON.stringify(text);
  }

  @MessagePattern('nothing')
  nothing(@Ctx() context: XtcpContext): void {
    this.called.push(context.getPattern());
  }

  @MessagePattern('fail')
  fail(@Ctx() context: XtcpContext): never {
    this.called.push(context.getPattern());
    throw new RpcException('bad name');
  }

  @MessagePattern('crlf')
  crlf(@Ctx() context: XtcpContext): string {
    this.called.push(context.getPattern());
    return 'one\r\ntwo';
  }

  @MessagePattern('big')
  big(@Payload() length: string, @Ctx() context: XtcpContext): string {
    this.called.push(context.getPattern());
    return 'x'.repeat(Number(length));
  }

  /** Never answers. `hanging` and `hung` among the calls say that somebody waits for it, and waits no more. */
  @MessagePattern('hang')
  hang(): Observable<never> {
    return new Observable((observer) => {
      this.called.push('hanging');
      const subscription = NEVER.subscribe(observer);
      return () => {
        subscription.unsubscribe();
        this.called.push('hung');
      };
    });
  }
}
