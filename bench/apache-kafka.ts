import { pathToFileURL } from 'node:url';

// Apache Kafka as a peer: started by the project's own script, which needs Java and Maven.

export interface KafkaScript {
  missingTools(): string[];
  fetchKafka(): void;
  freePort(): Promise<number>;
  startKafka(options: {
    readonly port: number;
    readonly dataDir: string;
    readonly overrides?: Readonly<Record<string, string>>;
  }): Promise<{
    readonly bootstrapServers: string;
    readonly readyMs: number;
    readonly pid: number;
    stop(signal?: NodeJS.Signals): Promise<void>;
  }>;
}

/** The script, ready to start nodes; undefined, said aloud, where Java or Maven is missing. */
export async function apacheKafka(): Promise<KafkaScript | undefined> {
  const script = (await import(pathToFileURL('scripts/kafka.mjs').href)) as KafkaScript;
  const missing = script.missingTools();
  if (missing.length > 0) {
    console.error(`SKIPPED: Apache Kafka as a peer needs ${missing.join(' and ')}`);
    return undefined;
  }
  script.fetchKafka();
  return script;
}
