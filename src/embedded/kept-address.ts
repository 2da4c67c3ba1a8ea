import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// The address file of a data directory: which port the broker had last and which process it ran in. It only informs
// (exclusion is the directory lock); the next start takes the same port again, so that clients find it.

export const DEFAULT_PORT = 9092;
const FILE = 'nestdaw.address';

export interface KeptAddress {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
}

/** The address as last written; undefined when there is none or it cannot be read. */
export function readKeptAddress(dataDir: string): KeptAddress | undefined {
  try {
    const kept = JSON.parse(readFileSync(join(dataDir, FILE), 'utf8')) as KeptAddress;
    return Number.isInteger(kept.port) && kept.port > 0 && kept.port < 65_536 ? kept : undefined;
  } catch {
    return undefined; // never written, or cut short by a crash: the default port will do
  }
}

export function keepAddress(dataDir: string, address: KeptAddress): void {
  const path = join(dataDir, FILE);
  writeFileSync(`${path}.tmp`, `${JSON.stringify(address)}\n`);
  renameSync(`${path}.tmp`, path);
}

/** Ports to try: the one that was asked for, or the one kept, then Kafka's own, then any. */
export function portsToTry(asked: number | undefined, kept: KeptAddress | undefined): number[] {
  if (asked !== undefined) return [asked];
  return [...new Set([kept?.port ?? DEFAULT_PORT, DEFAULT_PORT, 0])];
}
