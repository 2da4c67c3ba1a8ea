import { Injectable, Logger } from '@nestjs/common';
import { KafkaListener, type KafkaRecord, Record } from 'nestdaw';

@Injectable()
export class KafkaConsumer {
  readonly #log = new Logger(KafkaConsumer.name);

  @KafkaListener({ topics: ['topic1'] })
  onMessage(@Record() record: KafkaRecord): void {
    this.#log.log(`${record.topic}-${record.partition}@${record.offset}: ${record.value?.toString()}`);
  }
}
