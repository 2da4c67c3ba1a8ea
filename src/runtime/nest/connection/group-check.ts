import { type Mistake } from '../../config/mistakes.js';
import { type ListenerEndpoint } from '../../listener/listener-endpoint.js';

/**
 * Finds listeners that read partitions by themselves under the group of others that share theirs: the group takes no
 * commits of the former as long as it has members, so none of theirs would ever be stored.
 */
export class GroupCheck {
  readonly #members = new Map<string, string>();
  readonly #readers = new Map<string, string>();

  add({ id, groupId, connection, assignment }: ListenerEndpoint, mistakes: Mistake[]): void {
    if (groupId === '') return;
    const key = JSON.stringify([connection, groupId]);
    const [own, others] = assignment === undefined ? [this.#members, this.#readers] : [this.#readers, this.#members];
    const other = others.get(key);
    if (other !== undefined) {
      const [reader, member] = assignment === undefined ? [other, id] : [id, other];
      mistakes.push({
        origin: `listener ${id}`,
        problem:
          `${reader} reads its partitions by itself (topicPartitions) under the group ${groupId}, of which ${member} is a ` +
          'member: the group would refuse its commits; give one of them another groupId',
      });
    }
    if (!own.has(key)) own.set(key, id);
  }
}
