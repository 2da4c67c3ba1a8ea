import { type Configuration } from '../../config/load-configuration.js';

// What the broker beside the application is started with.

export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly config: Readonly<Record<string, string>>;
}

export function embeddedOptions({ properties, profiles }: Configuration): EmbeddedOptions {
  const isProduction = profiles.includes('production');
  return {
    dataDir: properties.get('embedded.data-dir'),
    host: properties.get('embedded.host'),
    port: properties.get('embedded.port'),
    config: {
      // Its clients are this application's own listeners, which start together: nobody else is worth waiting for.
      'group.initial.rebalance.delay.ms': '0',
      ...(isProduction ? { 'auto.create.topics.enable': 'false' } : {}),
      ...properties.get('embedded.properties'),
    },
  };
}
