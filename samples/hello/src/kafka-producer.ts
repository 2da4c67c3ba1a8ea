import { Controller, Get, Param } from '@nestjs/common';
import { KafkaTemplate } from 'nestdaw';

@Controller()
export class KafkaProducer {
  constructor(private readonly template: KafkaTemplate<string>) {}

  @Get('kafka/normal/:message')
  async sendMessage(@Param('message') message: string): Promise<{ topic: string; partition: number; offset: number }> {
    const { topic, partition, offset } = await this.template.send('topic1', message);
    return { topic, partition, offset };
  }
}
