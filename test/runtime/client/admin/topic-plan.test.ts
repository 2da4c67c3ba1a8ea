import { describe, expect, it } from '@jest/globals';
import { NewTopic, NewTopics, TopicBuilder } from '../../../../src/index.js';
import { topicsIn } from '../../../../src/runtime/client/admin/new-topic.js';
import { checkedTopics, type ExistingTopic, planTopics } from '../../../../src/runtime/client/admin/topic-plan.js';

const existing = (topics: Record<string, ExistingTopic>) => new Map(Object.entries(topics));

describe('the plan for declared topics', () => {
  it('creates what is missing and adds partitions, never takes some away', () => {
    const declared = [
      TopicBuilder.name('new').partitions(3).build(),
      TopicBuilder.name('small').partitions(6).build(),
      TopicBuilder.name('large').partitions(2).build(),
      TopicBuilder.name('as-it-is').build(),
    ];
    const plan = planTopics(
      declared,
      existing({ small: { partitions: 1 }, large: { partitions: 4 }, 'as-it-is': { partitions: 9 } }),
    );
    expect(plan.create.map(({ name }) => name)).toEqual(['new']);
    expect(plan.grow).toEqual([{ topic: declared[1], from: 1, to: 6 }]);
    expect(plan.alter).toEqual([]);
    expect(plan.notices).toEqual(['topic large has 4 partitions and 2 are declared: Kafka takes none away']);
  });

  it('changes configs that differ, where they are looked at', () => {
    const declared = [
      TopicBuilder.name('t').compact().config('retention.ms', 1000).configs({ preallocate: false }).build(),
    ];
    const configs = new Map([
      ['cleanup.policy', 'delete'],
      ['retention.ms', '1000'],
      ['preallocate', 'false'],
    ]);
    expect(planTopics(declared, existing({ t: { partitions: 1, configs } })).alter).toEqual([
      { name: 't', changes: { 'cleanup.policy': 'compact' } },
    ]);
    expect(planTopics(declared, existing({ t: { partitions: 1 } })).alter).toEqual([]);
  });

  it('counts the partitions of an assignment', () => {
    const topic = TopicBuilder.name('t').assignReplicas(0, [1, 2]).assignReplicas(1, [2, 1]).build();
    expect(planTopics([topic], existing({ t: { partitions: 1 } })).grow).toMatchObject([{ from: 1, to: 2 }]);
    expect(topic.replicasAssignments).toEqual({ 0: [1, 2], 1: [2, 1] });
  });
});

describe('declarations', () => {
  it('are refused with every mistake in them', () => {
    expect(() =>
      checkedTopics([
        { name: 'no name' },
        { name: 'a', partitions: 0 },
        { name: 'b', replicas: 1.5 },
        { name: 'c', partitions: 2, replicasAssignments: { 0: [1] } },
        { name: 'd', partitions: 1 },
        { name: 'd', partitions: 2 },
      ]),
    ).toThrow(
      /"no name" is no topic name.*topic a: partitions is 0.*topic b: replicas is 1\.5.*topic c: replicasAssignments says.*topic d is declared twice/,
    );
    expect(checkedTopics([{ name: 'a' }, new NewTopic({ name: 'a' })])).toHaveLength(1);
  });

  it('are found in providers', () => {
    const [one, two] = [TopicBuilder.name('a').build(), TopicBuilder.name('b').connection('audit').build()];
    expect(topicsIn(one)).toEqual([one]);
    expect(topicsIn(new NewTopics(one, two))).toEqual([one, two]);
    expect([{}, null, { topics: ['x'] }, 'x', new Map()].flatMap(topicsIn)).toEqual([]);
  });
});
