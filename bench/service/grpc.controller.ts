import { Controller } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { Observable } from 'rxjs';

import type { ItemsRequest } from '../contenders/contender.js';
import { makeValue } from '../loads/payload.js';
import { observableItems } from './observable-items.js';

/** A value as echo.proto has to have it, in a message. */
interface Boxed {
  readonly value: unknown;
}

/** The service of echo.proto: an echo for each type, since gRPC has one type to a method. */
@Controller()
export class GrpcController {
  @GrpcMethod('Echo', 'text')
  text(message: Boxed): Boxed {
    return message;
  }

  @GrpcMethod('Echo', 'json')
  json(order: object): object {
    return order;
  }

  @GrpcMethod('Echo', 'bytes')
  bytes(message: Boxed): Boxed {
    return message;
  }

  @GrpcMethod('Echo', 'textItems')
  textItems(request: ItemsRequest): Observable<Boxed> {
    return observableItems({ value: makeValue(request) }, request.count);
  }

  @GrpcMethod('Echo', 'bytesItems')
  bytesItems(request: ItemsRequest): Observable<Boxed> {
    return observableItems({ value: makeValue(request) }, request.count);
  }
}
