import { type Check } from '../check.js';
import { topicSubject } from '../subjects.js';
import { toldSetting } from '../told-settings.js';

// Whether there is anything to judge: a configuration that starts, and a cluster that answers.

export const BASIS_CHECKS: readonly Check[] = [
  {
    id: 'configuration',
    area: 'basis',
    asks: 'facts',
    question: 'Does the application start with this configuration?',
    why: 'The start reports every mistake and ends; what has no effect protects nothing.',
    fix: 'Mend the line, or remove it; nestdaw config shows what is in force.',
    evaluate: ({ mistakes, warnings }) => {
      const findings = [
        ...mistakes.map((says) => ({ verdict: 'fail', says }) as const),
        ...warnings.map((says) => ({ verdict: 'risk', says }) as const),
      ];
      return findings.length > 0 ? findings : [{ verdict: 'pass', says: 'no mistakes' }];
    },
  },
  {
    id: 'cluster',
    area: 'basis',
    asks: 'facts',
    question: 'Does the cluster answer?',
    why: 'Nothing can be sent, read or checked without it.',
    fix: 'Start it, or the application beside which it runs, or say with -b where it is.',
    evaluate: ({ mistakes, properties, cluster }) => {
      if (mistakes.length > 0) return [{ verdict: 'not known', says: 'not asked: mend the configuration first' }];
      const servers = toldSetting(properties, 'bootstrap-servers');
      const { key, origin } = servers;
      const isSet = servers.value !== '';
      if ('problem' in cluster) return [{ verdict: 'fail', ...(isSet ? servers : {}), says: cluster.problem }];
      const { nodes, topics, missingTopics } = cluster.value;
      const value = cluster.value.servers.join(', ');
      const isConfigured = value === servers.value.replaceAll(' ', '').replaceAll(',', ', ');
      return [
        {
          verdict: 'pass',
          ...(isConfigured ? { key, value, origin } : { value }),
          says: `${nodes.length === 1 ? 'one node' : `${nodes.length} nodes`}, topics looked at: ${topics.length}`,
        },
        ...missingTopics.map((name) => ({
          verdict: 'fail' as const,
          subject: topicSubject({ name }),
          says: 'there is no such topic',
          fix: 'Check its spelling; kafka.admin and NewTopic make topics at the start.',
        })),
      ];
    },
  },
];
