import { parseArgs } from 'node:util';

// What the command line of the bench says; read once, for rows are declared with it.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    repeats: { type: 'string', default: '3' },
    bytes: { type: 'string', default: '100' },
    kafka: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

export const USAGE =
  'usage: npm run bench -- [row …] [--repeats N] [--json] [--bytes N] [--kafka]\n\n' +
  '  --bytes N   size of the values that template rows send and ask with (100)\n' +
  '  --kafka     rows of listeners, guards, retries, templates, replies and transactions run on a node of Apache Kafka,\n' +
  '              not on a broker of ours; those of the broker, of the outbox and from memory stay as they are\n';

export const benchOptions = {
  /** Beginning of the names of the rows wanted. */
  rows: positionals.join(' '),
  json: values.json,
  help: values.help,
  repeats: Math.max(3, Number(values.repeats)),
  valueBytes: Number(values.bytes),
  onKafka: values.kafka,
} as const;
