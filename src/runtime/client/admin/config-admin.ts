import { brokerError, ErrorCode } from '../../../protocol/error-codes.js';
import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.js';
import { IncrementalAlterConfigs } from '../../../protocol/messages/44-incremental-alter-configs.js';
import { type AdminCalls, checkResults } from './admin-calls.js';

// Configs of topics and brokers.

/** Whose configs. */
export interface ConfigOwner {
  readonly kind: 'topic' | 'broker';
  /** Name of the topic, or id of the broker; an empty id means the defaults of all brokers. */
  readonly name: string;
}

/** One config. */
export interface ConfigEntry {
  readonly name: string;
  /** Null for what the broker does not tell: passwords. */
  readonly value: string | null;
  /** Whether nobody set it. */
  readonly isDefault: boolean;
  readonly isReadOnly: boolean;
  readonly isSensitive: boolean;
}

const TYPES = { topic: 2, broker: 4 } as const;
/** Where a value comes from: the default of Kafka, or of a broker's file. */
const DEFAULT_SOURCES: readonly number[] = [4, 5];
const SET = 0;
const DELETE = 1;

export class ConfigAdmin {
  constructor(readonly calls: AdminCalls) {}

  describe(owners: readonly ConfigOwner[]): Promise<Map<string, Map<string, ConfigEntry>>> {
    return this.calls.run(`describing the configs of ${textOf(owners)}`, async (cluster) => {
      const found = new Map<string, Map<string, ConfigEntry>>();
      for (const [nodeId, asked] of byNode(owners, cluster.nodes()[0]?.nodeId ?? -1)) {
        const request = {
          resources: asked.map(({ kind, name }) => ({
            resourceType: TYPES[kind],
            resourceName: name,
            configurationKeys: null,
          })),
          includeSynonyms: false,
        };
        const { results } = await this.calls.ask(cluster, nodeId, DescribeConfigs, () => request);
        for (const { errorCode, errorMessage, resourceName, configs } of results) {
          if (errorCode !== ErrorCode.NONE) {
            throw brokerError(errorCode, `configs of ${resourceName}${errorMessage ? ` (${errorMessage})` : ''}`);
          }
          const entries = configs.map(({ name, value, readOnly, configSource, isSensitive }) => {
            const isDefault = DEFAULT_SOURCES.includes(configSource);
            return [name, { name, value, isDefault, isReadOnly: readOnly, isSensitive }] as const;
          });
          found.set(resourceName, new Map(entries));
        }
      }
      return found;
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
