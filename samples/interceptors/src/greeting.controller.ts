import { Controller, Get, Param, Post } from '@nestjs/common';
import { Producer } from 'nestdaw';
import { CounterInterceptor } from './counter.interceptor.js';

@Controller('greetings')
export class GreetingController {
  constructor(private readonly counter: CounterInterceptor) {}

  @Post(':text')
  @Producer({ topic: '${greetings.topic}' })
  async greet(@Param('text') text: string): Promise<string> {
    return text;
  }

  @Get('counters')
  counters(): { stored: number; lost: number } {
    const { stored, lost } = this.counter;
    return { stored, lost };
  }
}
