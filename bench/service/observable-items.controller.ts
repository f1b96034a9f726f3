import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Observable } from 'rxjs';

import type { ItemsRequest } from '../contenders/contender.js';
import { makeValue } from '../loads/payload.js';
import { observableItems } from './observable-items.js';

/** A stream from an Observable, the only one that Nest's own TCP transport takes. */
@Controller()
export class ObservableItemsController {
  @MessagePattern('items')
  items(@Payload() request: ItemsRequest): Observable<unknown> {
    return observableItems(makeValue(request), request.count);
  }
}
