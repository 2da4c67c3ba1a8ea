import { Injectable, Logger } from '@nestjs/common';
import { type ProducerInterceptor, type RecordMetadata } from 'nestdaw';

/** Counts what was stored and what was lost. */
@Injectable()
export class CounterInterceptor implements ProducerInterceptor {
  readonly #log = new Logger(CounterInterceptor.name);
  stored = 0;
  lost = 0;

  onAcknowledgement(_metadata: RecordMetadata, error: Error | undefined): void {
    if (error) this.lost++;
    else this.stored++;
  }

  close(): void {
    this.#log.log(`${this.stored} stored, ${this.lost} lost`);
  }
}
