import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';

import type { ItemsRequest } from '../contenders/contender.js';
import { makeValue } from '../loads/payload.js';

/** A stream from an async generator, which is asked for items as the caller takes them. */
@Controller()
export class GeneratedItemsController {
  @MessagePattern('items')
  async *items(@Payload() request: ItemsRequest): AsyncGenerator {
    const item = makeValue(request);
    for (let index = 0; index < request.count; index++) yield item;
  }
}
