import { apacheKafka } from '../bench/apache-kafka.js';
import { BrokerProcess } from './broker-process.js';

// The broker of a proof: a process that is killed and started again on its data. Ours; with PROOF_BROKER=apache a node
// of Apache Kafka; none on a cluster that KAFKA_BOOTSTRAP_SERVERS names, which is nobody's to kill.

export interface ProofBroker {
  /** Starts it; resolves when it takes connections. */
  untilReady(): Promise<unknown>;
  kill(signal: 'SIGKILL'): Promise<void>;
  /** @throws Error when it has ended although nobody killed it */
  mustRun(): void;
}

export async function proofBroker(
  folder: string,
  settings: Readonly<Record<string, string>>,
  port: number,
): Promise<ProofBroker | undefined> {
  if (process.env.KAFKA_BOOTSTRAP_SERVERS) return undefined;
  if (process.env.PROOF_BROKER === 'apache') return apacheBroker(folder, settings, port);
  return new BrokerProcess(folder, settings, port);
}

/** Whether sessions and the like have to be as long as a cluster of others grants them. */
export const isApacheKafka = process.env.KAFKA_BOOTSTRAP_SERVERS !== undefined || process.env.PROOF_BROKER === 'apache';

async function apacheBroker(
  dataDir: string,
  overrides: Readonly<Record<string, string>>,
  port: number,
): Promise<ProofBroker> {
  const script = await apacheKafka();
  if (!script) throw new Error('PROOF_BROKER=apache needs Java and Maven');
  let node: Awaited<ReturnType<typeof script.startKafka>> | undefined;
  return {
    untilReady: async () => {
      node = await script.startKafka({ port, dataDir, overrides });
    },
    kill: async (signal) => {
      await node?.stop(signal);
      node = undefined;
    },
    mustRun: () => {
      if (node && !isAlive(node.pid)) throw new Error('Apache Kafka ended although nobody killed it');
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
