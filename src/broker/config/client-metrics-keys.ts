import { type ConfigTable, checked, dynamic, elementsOf, int, list } from './config-key.js';

// The keys of subscriptions to clients' metrics. No client pushes any here: what is set is kept and told.

const KEPT = 'Accepted for compatibility; clients push no metrics here.';
const MATCHABLE = new Set([
  'client_id',
  'client_instance_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
]);

/** Every key of a subscription, sorted by name. */
export const CLIENT_METRICS_KEYS: ConfigTable = {
  'interval.ms': dynamic(int(300000, KEPT, { min: 100, max: 3600000 })),
  match: dynamic(checked(list('', KEPT), matching)),
  metrics: dynamic(list('', KEPT)),
};

function matching(value: string): string | undefined {
  for (const element of elementsOf(value)) {
    const at = element.indexOf('=');
    if (at < 0 || !MATCHABLE.has(element.slice(0, at).trim()) || !isPattern(element.slice(at + 1))) {
      return `must be patterns such as client_id=orders.*, which '${element}' is not`;
    }
  }
  return undefined;
}

function isPattern(source: string): boolean {
  try {
    return new RegExp(source) instanceof RegExp;
  } catch {
    return false;
  }
}
