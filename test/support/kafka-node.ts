import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

// One node of Apache Kafka on a data directory, and its own tool that reads the files in it.

export interface KafkaNode {
  readonly port: number;
  readonly readyMs: number;
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

interface KafkaScript {
  readonly missingTools: () => string[];
  readonly fetchKafka: () => void;
  readonly freePort: () => Promise<number>;
  readonly libraries: string;
  startKafka(options: {
    readonly port: number;
    readonly dataDir: string;
    readonly overrides?: Readonly<Record<string, string>>;
    readonly formatArgs?: readonly string[];
    readonly jvmArgs?: readonly string[];
  }): Promise<Omit<KafkaNode, 'port'>>;
}

const script: KafkaScript = (await import(new URL('../../scripts/kafka.mjs', import.meta.url).href)) as KafkaScript;

/** Why Apache Kafka cannot run on this machine; undefined when it can. */
export function whyNoKafka(): string | undefined {
  const missing = script.missingTools();
  return missing.length > 0 ? `Apache Kafka needs ${missing.join(' and ')} on the PATH` : undefined;
}

export const { fetchKafka } = script;

/** Starts Apache Kafka; its data is in `logs` below `dataDir`, formatted when there is nothing. */
export async function startNode(
  dataDir: string,
  options: Omit<Parameters<KafkaScript['startKafka']>[0], 'port' | 'dataDir'> = {},
): Promise<KafkaNode> {
  const port = await script.freePort();
  const node = await script.startKafka({ port, dataDir, ...options });
  return { port, readyMs: node.readyMs, stop: (signal) => node.stop(signal) };
}

/** Runs one of Kafka's tools against a node; throws with what it printed when it does not succeed. */
export function kafkaTool(className: string, node: Pick<KafkaNode, 'port'>, args: readonly string[]): string {
  const servers = ['--bootstrap-server', `127.0.0.1:${node.port}`];
  return java(`org.apache.kafka.tools.${className}`, [...servers, ...args]).stdout;
}

function java(className: string, args: readonly string[]): { readonly stdout: string; readonly stderr: string } {
  const all = ['-cp', join(script.libraries, '*'), className, ...args];
  const { status, stdout, stderr } = spawnSync('java', all, { encoding: 'utf8', maxBuffer: MAX_OUTPUT });
  if (status !== 0) throw new Error(`${className} ended with ${status}: ${stdout}${stderr}`);
  return { stdout, stderr };
}

const MAX_OUTPUT = 1 << 28;

/** Everything that `kafka-dump-log` prints of the files, with their records, and what it complains of. */
export function dumpLog(files: readonly string[], more: readonly string[] = []): string {
  const args = ['--deep-iteration', ...more, '--files', files.join(',')];
  const { stdout, stderr } = java('org.apache.kafka.tools.DumpLogSegments', args);
  // It takes the first record of every later segment for a hole, in Kafka's own files as well.
  return stdout + stderr.replace(/^Non-consecutive offsets in .*\n {2}-1 is followed by .*\n/gm, '');
}

/** Files below a directory with one of these endings that are not empty. */
export function filesIn(directory: string, pattern: RegExp): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name))
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).size > 0)
    .sort();
}
