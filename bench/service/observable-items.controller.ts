import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { map, range, type Observable } from 'rxjs';

import type { ItemsRequest } from '../contenders/contender.js';
import { makeValue } from '../loads/payload.js';

/** A stream from an Observable, the only one that Nest's own TCP transport takes. */
@Controller()
export class ObservableItemsController {
  @MessagePattern('items')
  items(@Payload() request: ItemsRequest): Observable<unknown> {
    const item = makeValue(request);
    return range(0, request.count).pipe(map(() => item));
  }
}
