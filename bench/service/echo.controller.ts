import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';

/** What every contender serves. */
@Controller()
export class EchoController {
  private eventsHandled = 0;

  @MessagePattern('echo')
  echo(@Payload() value: unknown): unknown {
    return value;
  }

  @EventPattern('event')
  event(@Payload() _value: unknown): void {
    this.eventsHandled++;
  }

  @MessagePattern('handled')
  handled(@Payload() _nothing: unknown): number {
    return this.eventsHandled;
  }
}
