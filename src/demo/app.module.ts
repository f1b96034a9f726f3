import { Controller, Module } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';

@Controller()
class UpperController {
  @MessagePattern('toupper')
  toupper(@Payload() name: string): string {
    return name.toUpperCase();
  }
}

@Module({ controllers: [UpperController] })
export class AppModule {}
