import { type StoppedDelivery } from '../client/producer-client.js';

// What a health check asks of a template: whether it takes records for every partition.

/** A partition, or a topic, that takes no records. */
export interface TemplateProblem {
  /** `orders-3`, or `orders` for the whole topic. */
  readonly partition: string;
  /** `stopped`: a record of it was lost under `producer.on-delivery-failure=stop`; `template.resume` lets it go on. */
  readonly kind: 'stopped';
  /** What the lost record failed with. */
  readonly reason: string;
}

/** `down` while a partition or a topic takes no records: the others go on. */
export interface TemplateHealth {
  readonly status: 'up' | 'down';
  readonly problems: readonly TemplateProblem[];
}

export function healthOf(stopped: readonly StoppedDelivery[]): TemplateHealth {
  const problems = stopped.map(({ topic, partition, error }): TemplateProblem => {
    const name = partition === undefined ? topic : `${topic}-${partition}`;
    return { partition: name, kind: 'stopped', reason: error.message };
  });
  return { status: problems.length === 0 ? 'up' : 'down', problems };
}
