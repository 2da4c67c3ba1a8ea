import { type Mistake } from '../../config/mistakes.js';
import { type ReplyReader } from '../../template/replies/replying-kafka-template.js';
import { isPendingBytes } from '../../template/serdes/pending-bytes.js';
import { type Deserializer } from '../../template/serdes/serde.js';
import { payloadFormats } from '../connection/client-options.js';
import { type KafkaConnection } from '../connection/kafka-connection.js';
import { type PayloadConverter, payloadConverter } from '../handlers/payload-converter.js';
import { valueDecoding } from '../serdes/payload-formats.js';

/** Reads values of replies as a listener of the connection would, as an instance of a class where one is given. */
export function replyReader({ properties, serdes }: KafkaConnection): ReplyReader {
  const converters = new Map<unknown, PayloadConverter>();
  const converterFor = (type: unknown): PayloadConverter => {
    const known = converters.get(type);
    if (known) return known;
    const ignored: Mistake[] = []; // said at the start already
    const configured = valueDecoding(properties, serdes, ignored);
    const isOpen = type === undefined && properties.get('consumer.value-deserializer') === 'auto';
    const made = payloadConverter(type, {
      ...configured,
      ...(isOpen && configured.typeOf === undefined ? { deserializer: jsonOrText } : {}),
      format: payloadFormats(properties).valueFormat,
    });
    converters.set(type, made);
    return made;
  };
  const read: ReplyReader = (record, type) => {
    const converter = converterFor(type);
    try {
      return converter.shape(converter.decode(record), record);
    } catch (error) {
      if (!isPendingBytes(error)) throw error;
      return error.ready.then(() => read(record, type));
    }
  };
  return read;
}

/** What listeners return goes as JSON, text as it is; both come back as they were, unless the text reads as JSON. */
const jsonOrText: Deserializer = (_topic, bytes) => {
  const text = bytes.toString();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};
