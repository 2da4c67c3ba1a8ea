import { type DiscoveryService } from '@nestjs/core';
import { RetryTopicConfiguration } from '../../retry/retry-topic-configuration.js';

/** The `RetryTopicConfiguration`s among the providers, each once. */
export function retryConfigurations(discovery: DiscoveryService): RetryTopicConfiguration[] {
  const instances = discovery.getProviders().map(({ instance }) => instance as unknown);
  return [...new Set(instances.filter((instance) => RetryTopicConfiguration.isOne(instance)))];
}
