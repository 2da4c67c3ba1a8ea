import { Injectable } from '@nestjs/common';
import { type ProducerInterceptor, type ProducerRecord, withHeaders } from 'nestdaw';

/** Adds the time of sending to every record. */
@Injectable()
export class TimestampInterceptor implements ProducerInterceptor {
  onSend(record: ProducerRecord): ProducerRecord {
    return withHeaders(record, { 'sent-at': Date.now() });
  }
}
