import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

// kafka-consumer-groups and kafka-groups: groups with and without members, every kind of reset, deletions.

const group = (words, more = {}) => ({
  name: `consumer-groups ${words}`,
  tool: 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  args: (servers) => ['--bootstrap-server', servers, ...words.split(' ')],
  ...more,
});
const fails = { errorKind: true };
const reset = (words, more = {}) => group(`--reset-offsets --group console ${words}`, { sort: true, ...more });

const member = {
  tool: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  args: (servers) =>
    `--bootstrap-server ${servers} --topic orders --group live --consumer-property client.id=live --consumer-property group.instance.id=one`.split(
      ' ',
    ),
};
const joined = {
  ...group('--describe --group live --state'),
  ready: ({ stdout }) => /Stable\s+1/.test(stdout),
};
const withMember = {
  beside: [member],
  until: joined,
  sort: true,
  hide: [
    [/\/[\d.]+/g, 'HOST'],
    [/one-UUID/g, 'MEMBER'],
  ],
};

export const groups = [
  group('--list', { sort: true }),
  group('--list --state', { sort: true }),
  group('--list --state Empty', { sort: true }),
  group('--list --state Stable'),
  group('--list --type classic', { sort: true }),
  {
    name: 'groups --list',
    tool: 'org.apache.kafka.tools.GroupsCommand',
    args: (servers) => ['--bootstrap-server', servers, '--list'],
    sort: true,
  },
  group('--describe --group console', { sort: true }),
  group('--describe --group console --offsets --verbose', { sort: true }),
  group('--describe --group console --members'),
  group('--describe --group console --state', { hide: [[/127\.0\.0\.1:\d+/g, 'BROKER']] }),
  group('--describe --group nobody', fails),
  group('--describe --group nobody --members', fails),
  group('--describe --all-groups --state', { sort: true }),
  reset('--topic orders --to-earliest --dry-run'),
  reset('--topic orders --to-earliest --execute'),
  group('--describe --group console', { name: 'consumer-groups after the reset', sort: true }),
  reset('--all-topics --to-latest --execute'),
  reset('--topic orders:0,1 --to-offset 3 --execute'),
  reset('--topic orders:0 --to-offset 9999 --execute'),
  reset('--topic orders:0,1,2 --shift-by -2 --execute'),
  reset('--topic orders:0 --shift-by 100 --execute'),
  reset('--topic orders --to-current --execute'),
  reset('--topic orders --by-duration PT1H --execute'),
  reset('--topic orders --by-duration PT0S --dry-run'),
  reset('--topic orders --to-datetime 2020-01-01T00:00:00.000 --execute'),
  reset('--topic orders --to-datetime 2099-01-01T00:00:00.000 --dry-run'),
  reset('--topic orders --to-earliest --export --dry-run'),
  group('--reset-offsets --group console --from-file', {
    name: 'consumer-groups --reset-offsets --from-file',
    before: ({ folder }) => writeFileSync(join(folder, 'reset.csv'), 'orders,0,1\norders,1,2\n'),
    args: (servers, { folder }) => [
      ...['--bootstrap-server', servers, '--reset-offsets', '--group', 'console', '--execute'],
      ...['--from-file', join(folder ?? '', 'reset.csv')],
    ],
    sort: true,
  }),
  group('--reset-offsets --group fresh --topic orders --to-earliest --execute', { sort: true }),
  group('--reset-offsets --group fresh --topic nowhere --to-earliest --execute', fails),
  group('--describe --group fresh', { sort: true }),
  group('--describe --group live', { ...withMember, name: 'consumer-groups --describe with a member' }),
  group('--describe --group live --members --verbose', {
    ...withMember,
    name: 'consumer-groups --members with a member',
  }),
  group('--describe --group live --state', {
    ...withMember,
    name: 'consumer-groups --state with a member',
    hide: [[/127\.0\.0\.1:\d+/g, 'BROKER']],
  }),
  group('--reset-offsets --group live --topic orders --to-earliest --execute', {
    ...withMember,
    name: 'consumer-groups --reset-offsets with a member',
  }),
  group('--delete --group live', { ...withMember, ...fails, name: 'consumer-groups --delete with a member' }),
  group('--delete-offsets --group live --topic orders', {
    ...withMember,
    ...fails,
    name: 'consumer-groups --delete-offsets with a member',
  }),
  group('--delete-offsets --group console --topic orders:0', { sort: true }),
  group('--delete-offsets --group console --topic nowhere', { sort: true }),
  group('--delete-offsets --group nobody --topic orders', fails),
  group('--describe --group console', { name: 'consumer-groups after the deletion of offsets', sort: true }),
  group('--delete --group fresh --group nobody', { sort: true }),
  group('--delete --group fresh', { name: 'consumer-groups --delete again', ...fails }),
  group('--list', {
    name: 'consumer-groups --list at the end',
    sort: true,
    keep: /^(exit|console|fresh|perf|verifiable)/,
  }),
];
