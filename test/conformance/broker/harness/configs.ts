import { AlterConfigs, DescribeConfigs, IncrementalAlterConfigs } from '../../../../src/protocol/messages/index.js';
import { type World } from './world.js';

// Configurations as administrators see and change them.

/** Kinds of resources. */
export const TOPIC = 2;
export const BROKER = 4;
/** Operations of IncrementalAlterConfigs. */
export const SET = 0;
export const DELETE = 1;
export const APPEND = 2;
export const SUBTRACT = 3;

export type Change = [name: string, operation: number, value: string | null];

export class ConfigAdmin {
  constructor(readonly world: World) {}

  /** The node's name as a resource. */
  async nodeId(): Promise<string> {
    return String(await this.world.nodeId());
  }

  async describeOne(name: string, keys: string[] | null, type = TOPIC, more = {}, version = 4) {
    const answer = await this.world.send(DescribeConfigs, version, {
      resources: [{ resourceType: type, resourceName: name, configurationKeys: keys }],
      includeSynonyms: false,
      ...more,
    });
    return answer.results[0]!;
  }

  /** Value and source of one key. */
  async configOf(name: string, key: string, type = TOPIC): Promise<[string | null, number] | undefined> {
    const { configs } = await this.describeOne(name, [key], type);
    return configs[0] && [configs[0].value, configs[0].configSource];
  }

  /** IncrementalAlterConfigs of one resource. */
  async change(name: string, changes: readonly Change[], { type = TOPIC, validateOnly = false, version = 1 } = {}) {
    const configs = changes.map(([key, configOperation, value]) => ({ name: key, configOperation, value }));
    const resources = [{ resourceType: type, resourceName: name, configs }];
    return (await this.world.send(IncrementalAlterConfigs, version, { resources, validateOnly })).responses[0]!;
  }

  /** AlterConfigs of one topic. */
  async replace(name: string, configs: Record<string, string | null>, { validateOnly = false, version = 2 } = {}) {
    const given = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
    const resources = [{ resourceType: TOPIC, resourceName: name, configs: given }];
    return (await this.world.send(AlterConfigs, version, { resources, validateOnly })).responses[0]!;
  }
}
