import { Injectable } from '@nestjs/common';
import { IsString } from 'class-validator';
import { KafkaListener, KafkaTemplate, Payload, Producer } from 'nestdaw';

export class Greeting {
  @IsString()
  to: string;
}

@Injectable()
export class GreetingService {
  readonly heard: string[] = [];

  constructor(private readonly template: KafkaTemplate<Greeting>) {}

  @Producer({ topic: 'greetings', key: 'to' })
  async greet(to: string): Promise<Greeting> {
    return { to };
  }

  async greetDirectly(to: string): Promise<number> {
    const result = await this.template.send('greetings', to, { to });
    return result.offset;
  }

  @KafkaListener({ topics: 'greetings', groupId: 'greeters', order: 'key', workers: 4 })
  hear(@Payload() greeting: Greeting): void {
    if (!(greeting instanceof Greeting)) throw new Error('the payload was not converted');
    this.heard.push(greeting.to);
  }
}
