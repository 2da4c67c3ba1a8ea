import { NestdawError } from '../common/errors.js';
import { withConnection } from './connect.js';
import { type ConsumeOptions } from './consume-options.js';
import { FORMATTERS, type RecordFormatter } from './record-formatters.js';

// What `nestdaw consume` does.

export function consume(options: ConsumeOptions): Promise<void> {
  const { topic, partition, offset, limit = Number.POSITIVE_INFINITY } = options;
  const formatter: RecordFormatter = FORMATTERS[options.formatter];
  return withConnection(options, async ({ logs }) => {
    const partitions = (await logs.withCluster((cluster) => cluster.partitionsOf(topic))) ?? [];
    const all = partitions.map((one) => one.partition);
    const wanted = partition === undefined ? all : all.filter((one) => one === partition);
    if (wanted.length === 0) {
      const what = all.length === 0 ? `there is no topic ${topic}` : `${topic} has partitions 0 to ${all.length - 1}`;
      throw new NestdawError('KAFKA_CONFIG_INVALID', what);
    }
    let shown = 0;
    const ranges = wanted.sort((a, b) => a - b).map((one) => ({ topic, partition: one, from: offset }));
    await logs.readLogs(ranges, (record) => {
      const text = options.json ? jsonLine(formatter.json(record)) : formatter.line(record);
      if (text !== undefined) {
        console.log(text);
        shown++;
      }
      return shown < limit;
    });
  });
}

function jsonLine(given: object | undefined): string | undefined {
  return given && JSON.stringify(given);
}
