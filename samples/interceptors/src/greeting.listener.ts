import { Injectable, Logger } from '@nestjs/common';
import { Header, KafkaListener, Payload } from 'nestdaw';

@Injectable()
export class GreetingListener {
  readonly #log = new Logger(GreetingListener.name);

  @KafkaListener({ topics: '${greetings.topic}', groupId: 'greetings' })
  onGreeting(@Payload() text: string, @Header('sent-at') sentAt: string): void {
    this.#log.log(`${text}, ${Date.now() - Number(sentAt)} ms after it was sent`);
  }
}
