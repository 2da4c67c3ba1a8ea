import { type Encoding } from '../../../common/text-encodings.js';
import { WrongType } from './refusals.js';
import { type Deserializer, type Serializer } from './serde.js';

// Text in other encodings than UTF-8 (Kafka: `serializer.encoding` of StringSerializer). What an encoding cannot write
// is refused; Java writes a question mark in its place.

/** The largest character that an encoding of one byte has. */
const LARGEST: Partial<Record<Encoding, number>> = { 'ISO-8859-1': 0xff, 'US-ASCII': 0x7f };

/** What a serializer makes of a value, its text in that encoding. */
export function encodedText(serializer: Serializer, encoding: Encoding): Serializer {
  if (encoding === 'UTF-8') return serializer;
  return (topic, value, headers) => {
    const written = serializer(topic, value, headers);
    return typeof written === 'string' ? encode(written, encoding) : written;
  };
}

/** Text out of bytes in that encoding. */
export function textDecoder(encoding: Encoding): Deserializer<string> {
  if (encoding === 'UTF-8') return (_topic, bytes) => bytes.toString();
  if (encoding === 'UTF-16LE') return (_topic, bytes) => bytes.toString('utf16le');
  if (encoding === 'ISO-8859-1') return (_topic, bytes) => bytes.toString('latin1');
  return (_topic, bytes) => bytes.toString('latin1').replace(/[\x80-\xff]/g, '\ufffd');
}

function encode(text: string, encoding: Encoding): Buffer {
  const largest = LARGEST[encoding];
  if (largest === undefined) return Buffer.from(text, 'utf16le');
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) > largest) throw new WrongType(`text that ${encoding} has letters for`);
  }
  return Buffer.from(text, 'latin1');
}
