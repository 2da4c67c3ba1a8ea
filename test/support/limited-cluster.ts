import { type Api } from '../../src/protocol/api.js';
import { EndTxn } from '../../src/protocol/messages/26-end-txn.js';
import { type Cluster } from '../../src/runtime/client/cluster/cluster.js';

/** The cluster as a client of Kafka 3 would use it: transactions of version 1, whatever the brokers have finalized. */
export function withTransactionVersion1(cluster: Cluster): Cluster {
  return new Proxy(cluster, {
    get(target, name) {
      if (name === 'versionOf') {
        return async (nodeId: number, api: Api, highest?: number) => {
          const version = await target.versionOf(nodeId, api, highest);
          return api.key === EndTxn.key ? Math.min(version, EndTxn.maxVersion - 1) : version;
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}
