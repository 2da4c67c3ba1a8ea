import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.js';
import { IncrementalAlterConfigs } from '../../../protocol/messages/44-incremental-alter-configs.js';
import { type Cluster } from '../cluster/cluster.js';
import { type AdminCalls, checkResults } from './admin-calls.js';

// Configs of topics and brokers.

/** Whose configs. */
export interface ConfigOwner {
  readonly kind: 'topic' | 'broker';
  /** Name of the topic, or id of the broker; an empty id means the defaults of all brokers. */
  readonly name: string;
}

/** Who gave a config its value; `other` for what is no config of topics or brokers. */
export type ConfigOrigin = 'topic' | 'broker' | 'all brokers' | 'file' | 'default' | 'other';

/** One config. */
export interface ConfigEntry {
  readonly name: string;
  /** Null for what the broker does not tell: passwords. */
  readonly value: string | null;
  /**
   * Where the value comes from: set for the topic, for one broker, for all of them, in a broker's file, or by nobody.
   */
  readonly origin: ConfigOrigin;
  /** Whether nobody set it while the cluster runs. */
  readonly isDefault: boolean;
  readonly isReadOnly: boolean;
  readonly isSensitive: boolean;
}

const TYPES = { topic: 2, broker: 4 } as const;
/** By Kafka's numbers for where a value comes from. */
const ORIGINS: Readonly<Record<number, ConfigOrigin>> = {
  1: 'topic',
  2: 'broker',
  3: 'all brokers',
  4: 'file',
  5: 'default',
};
const DEFAULTS: readonly ConfigOrigin[] = ['file', 'default'];
const SET = 0;
const DELETE = 1;

export class ConfigAdmin {
  constructor(readonly calls: AdminCalls) {}

  describe(owners: readonly ConfigOwner[]): Promise<Map<string, Map<string, ConfigEntry>>> {
    return this.calls.run(`describing the configs of ${textOf(owners)}`, async (cluster) => {
      const found = new Map<string, Map<string, ConfigEntry>>();
      for (const [nodeId, asked] of byNode(owners, cluster.nodes()[0]?.nodeId ?? -1)) {
        for (const { resourceName, configs } of await this.#ask(cluster, nodeId, asked, false)) {
          const entries = configs.map(({ name, value, readOnly, configSource, isSensitive }) => {
            const origin = ORIGINS[configSource] ?? 'other';
            const isDefault = DEFAULTS.includes(origin);
            return [name, { name, value, origin, isDefault, isReadOnly: readOnly, isSensitive }] as const;
          });
          found.set(resourceName, new Map(entries));
        }
      }
      return found;
    });
  }

  /** What the broker itself says about each of its keys; null where it says nothing. */
  documentation(owner: ConfigOwner): Promise<Map<string, string | null>> {
    return this.calls.run(`asking what the configs of ${textOf([owner])} mean`, async (cluster) => {
      const [[nodeId, asked]] = [...byNode([owner], cluster.nodes()[0]?.nodeId ?? -1)] as [[number, ConfigOwner[]]];
      const results = await this.#ask(cluster, nodeId, asked, true);
      return new Map(results[0]!.configs.map(({ name, documentation }) => [name, documentation]));
    });
  }

  /** Changes some configs and leaves the others; null goes back to the default. */
  alter(owner: ConfigOwner, changes: Readonly<Record<string, string | null>>): Promise<void> {
    return this.calls.run(`changing the configs of ${textOf([owner])}`, async (cluster) => {
      const configs = Object.entries(changes).map(([name, value]) => ({
        name,
        configOperation: value === null ? DELETE : SET,
        value,
      }));
      const resources = [{ resourceType: TYPES[owner.kind], resourceName: owner.name, configs }];
      const [nodeId] = byNode([owner], cluster.nodes()[0]?.nodeId ?? -1).keys();
      const request = { resources, validateOnly: false };
      const { responses } = await this.calls.ask(cluster, nodeId!, IncrementalAlterConfigs, () => request);
      checkResults(responses, ({ resourceName }) => `changing the configs of ${resourceName}`);
    });
  }

  async #ask(cluster: Cluster, nodeId: number, owners: readonly ConfigOwner[], includeDocumentation: boolean) {
    const resources = owners.map(({ kind, name }) => ({
      resourceType: TYPES[kind],
      resourceName: name,
      configurationKeys: null,
    }));
    const request = { resources, includeSynonyms: false, includeDocumentation };
    const { results } = await this.calls.ask(cluster, nodeId, DescribeConfigs, () => request);
    checkResults(results, ({ resourceName }) => `configs of ${resourceName}`);
    return results;
  }
}

/** A broker's configs are asked of itself. */
function byNode(owners: readonly ConfigOwner[], anyNode: number): Map<number, ConfigOwner[]> {
  const nodes = new Map<number, ConfigOwner[]>();
  for (const owner of owners) {
    const nodeId = owner.kind === 'broker' && owner.name !== '' ? Number(owner.name) : anyNode;
    nodes.set(nodeId, [...(nodes.get(nodeId) ?? []), owner]);
  }
  return nodes;
}

function textOf(owners: readonly ConfigOwner[]): string {
  return owners.map(({ kind, name }) => `${kind} ${name || '(all)'}`).join(', ');
}
