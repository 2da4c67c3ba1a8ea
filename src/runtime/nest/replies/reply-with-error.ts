import { KafkaHeaders } from '../../../common/kafka-headers.js';
import { storyOf } from '../../dead-letters/error-story.js';
import { RETRY_TOPIC_HEADERS } from '../../dead-letters/header-names.js';
import { type KafkaMessage } from '../../template/producer-record.js';
import { lastHeader } from '../../template/serdes/outgoing-headers.js';
import { type KafkaListenerContext } from '../handlers/listener-context.js';

/**
 * An error handler for listeners that answer, `errorHandler: replyWithError`: what the method throws goes to who asked,
 * as a record without value whose headers tell the error under Spring's names (`kafka_exception-fqcn`, `-cause-fqcn`,
 * `-message`), and the request is finished. A `ReplyingKafkaTemplate` rejects with it. What nobody waits for is thrown
 * on.
 */
export function replyWithError(error: unknown, context: KafkaListenerContext): KafkaMessage<null> {
  if (!lastHeader(context.record.headers, KafkaHeaders.CORRELATION_ID)) throw error;
  const { name, rootName, message } = storyOf(error);
  return {
    payload: null,
    headers: {
      [RETRY_TOPIC_HEADERS.exceptionFqcn]: name,
      [RETRY_TOPIC_HEADERS.exceptionCauseFqcn]: rootName,
      [RETRY_TOPIC_HEADERS.exceptionMessage]: message,
    },
  };
}
