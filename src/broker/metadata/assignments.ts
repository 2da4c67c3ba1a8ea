import { type Refusal, refused } from './refusal.js';

// What a list of replicas may be where there is one node: that node, once.

/** Why the partition cannot be kept by these brokers; undefined when it can. */
export function replicasRefusal(replicas: readonly number[], nodeId: number): Refusal | undefined {
  const why = replicasMistake(replicas, nodeId);
  return why === undefined ? undefined : refused('INVALID_REPLICA_ASSIGNMENT', why);
}

function replicasMistake(replicas: readonly number[], nodeId: number): string | undefined {
  if (replicas.length === 0) return 'The manual partition assignment includes an empty replica list.';
  const stranger = [...replicas].sort((a, b) => a - b).find((id) => id !== nodeId);
  if (stranger !== undefined) {
    return `The manual partition assignment includes broker ${stranger}, but no such broker is registered.`;
  }
  if (replicas.length > 1) return `The manual partition assignment includes the broker ${nodeId} more than once.`;
  return undefined;
}
