import { type Side, theArena, withCpu, withTopic } from '../broker/arena.js';
import { type FranzGo, franzGo } from '../broker/franz-go.js';
import { type Measured, type Row } from '../row.js';

// What a real client gets: franz-go, which encodes and decodes every record.

const PARTITIONS = 12;
const RECORDS = 400_000;
const BYTES = 1000;
const GIGABYTES = (RECORDS * BYTES) / 1e9;

type Measure = (client: FranzGo, side: Side, topic: string) => Promise<Measured>;

function clientRow(name: string, settings: string, measure: Measure): Row {
  return {
    name: `broker client ${name}`,
    unit: 'MB/s',
    better: 'higher',
    peerName: 'Apache Kafka 4.3.1',
    goal: 1,
    settings: `franz-go 1.22, ${settings}, ${RECORDS} records of 1 KB, ${PARTITIONS} partitions`,
    async prepare() {
      const client = franzGo();
      const arena = client && (await theArena());
      if (!arena) return undefined;
      const on = (side: Side) => withTopic(side, PARTITIONS, {}, (topic) => measure(client, side, topic));
      return { ours: () => on(arena.ours), peer: () => on(arena.peer), close: () => Promise.resolve() };
    },
  };
}

async function timed(client: FranzGo, side: Side, topic: string, what: 'produce' | 'fetch'): Promise<Measured> {
  const { result: value, cpu } = await withCpu(side, () => client.run(side.port, topic, what, RECORDS, BYTES));
  return { value, beside: { 'CPU s/GB': cpu / GIGABYTES } };
}

export const clientRows: readonly Row[] = [
  clientRow('produce', 'acks=all, idempotent, uncompressed', (client, side, topic) =>
    timed(client, side, topic, 'produce'),
  ),
  clientRow('fetch', 'from the page cache', async (client, side, topic) => {
    await client.run(side.port, topic, 'produce', RECORDS, BYTES);
    return timed(client, side, topic, 'fetch');
  }),
];
