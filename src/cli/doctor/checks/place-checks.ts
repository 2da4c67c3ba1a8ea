import { type Check } from '../check.js';
import { type ClusterFacts, type Folder, type TopicFacts } from '../facts.js';
import { type Danger, dangerOf } from '../file-systems.js';
import { type Finding } from '../finding.js';
import { nodeSubject, topicSubject } from '../subjects.js';

// Where the records lie: directories of brokers, and how partitions share them.

const DANGERS: Readonly<Record<Danger, string>> = {
  memory: 'in memory: gone with the next restart of the machine',
  network: 'over a network, or through a program: locks, fsync and speed are not those of a disk',
  container: "in a container's own layer: gone with the container",
};

const DATA_FOLDER: Check = {
  id: 'data-folder',
  area: 'cluster',
  asks: 'cluster',
  question: 'Does the data lie on a disk?',
  why: 'What was acknowledged must be there after a power cut, and fsync must mean what it says.',
  fix: 'Put the directory on XFS or ext4 of a disk of this machine: kafka.embedded.data-dir, or log.dirs of the broker.',
  evaluate: ({ nodes, isOneNode }) =>
    nodes.flatMap(({ nodeId, folders }): Finding[] => {
      const subject = nodeSubject({ nodeId });
      if ('problem' in folders) return [{ verdict: 'not known', subject, says: folders.problem }];
      return folders.value.map((folder) => ({ subject, ...folderOf(folder, isOneNode) }));
    }),
};

function folderOf({ path, fileSystem }: Folder, isOneNode: boolean): Finding {
  const about = { key: 'log.dirs', value: path, origin: 'told by the broker' };
  const copy = isOneNode ? 'one copy: back up this directory; ' : '';
  if (fileSystem === undefined)
    return { verdict: 'not known', ...about, says: `${copy}what it lies on is not seen from here` };
  const found = dangerOf(fileSystem);
  if (found === undefined) return { verdict: 'pass', ...about, says: `${copy}on a disk of this machine` };
  return { verdict: 'risk', ...about, says: `${copy}${found.name}, ${DANGERS[found.danger]}` };
}

/** Records that say something about how keys are spread. */
const ENOUGH = 1_000;
const MOST_SHARE = 0.5;
/** Of two partitions one has always half or more. */
const MOST_TIMES_MEAN = 1.5;

const PARTITION_SHARE: Check = {
  id: 'partition-share',
  area: 'cluster',
  asks: 'cluster',
  question: 'Do partitions share the records?',
  why: 'The partition with most of them keeps one consumer and one node busy while the others wait.',
  fix: 'Choose a key with more values, or one that is not the same for most records; more partitions do not help.',
  evaluate: ({ topics }: ClusterFacts) => {
    const shared = topics.filter(({ isInternal, partitions }) => !isInternal && partitions.length > 1);
    if (shared.length === 0) return [{ verdict: 'not used', says: 'no topic with several partitions' }];
    return shared.map(shareOf);
  },
};

function shareOf({ name, lengths }: TopicFacts): Finding {
  const subject = topicSubject({ name });
  if ('problem' in lengths) return { verdict: 'not known', subject, says: lengths.problem };
  const total = [...lengths.value.values()].reduce((sum, length) => sum + length, 0);
  if (total < ENOUGH) return { verdict: 'pass', subject, says: `${total} offsets: too few to tell` };
  const [partition, most] = [...lengths.value].reduce((best, one) => (one[1] > best[1] ? one : best));
  const share = most / total;
  const says = `partition ${partition} has ${Math.round(100 * share)} % of ${total} offsets`;
  const isHot = share > MOST_SHARE && share * lengths.value.size > MOST_TIMES_MEAN;
  return { verdict: isHot ? 'risk' : 'pass', subject, says };
}

export const PLACE_CHECKS: readonly Check[] = [DATA_FOLDER, PARTITION_SHARE];
