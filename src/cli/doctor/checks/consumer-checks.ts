import { type Check } from '../check.js';
import { type Facts } from '../facts.js';
import { type Finding } from '../finding.js';
import { toldSetting } from '../told-settings.js';

// Whether what is read gets handled.

export const COMMITS: Check = {
  id: 'commits',
  area: 'loss',
  asks: 'configuration',
  question: 'Are offsets committed after the work only?',
  why: 'What is committed before it is done is never read again: a crash in between loses it.',
  fix: 'Remove kafka.listener.ack-mode, and give AT_MOST_ONCE to the one listener that may lose records.',
  evaluate: ({ properties }: Facts): Finding[] => {
    const set = properties.get('listener.ack-mode');
    const mode = { ...toldSetting(properties, 'listener.ack-mode'), value: set ?? 'BATCH' };
    if (set === 'AT_MOST_ONCE') {
      return [{ verdict: 'fail', ...mode, says: 'commits before the handler runs: a crash loses what it had begun' }];
    }
    const findings: Finding[] = [
      { verdict: 'pass', ...mode, says: 'no commit passes unfinished work, where a listener does not say otherwise' },
    ];
    if (!properties.get('consumer.enable-auto-commit')) return findings;
    const auto = toldSetting(properties, 'consumer.enable-auto-commit');
    return [...findings, { verdict: 'pass', ...auto, says: 'means here: commit by time, finished work only' }];
  },
};
