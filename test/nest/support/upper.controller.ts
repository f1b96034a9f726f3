import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';

/** The service of the README. */
@Controller()
export class UpperController {
  @MessagePattern('toupper')
  toupper(@Payload() name: string): string {
    return name.toUpperCase();
  }
}
