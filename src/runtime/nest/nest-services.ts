import {
  type ApplicationConfig,
  type DiscoveryService,
  type ExternalContextCreator,
  type MetadataScanner,
  type ModuleRef,
} from '@nestjs/core';

/** What Nest itself lends: where providers are found, and how their methods are called with its enhancers. */
export interface NestServices {
  readonly discovery: DiscoveryService;
  readonly scanner: MetadataScanner;
  readonly creator: ExternalContextCreator;
  readonly config: ApplicationConfig;
  readonly moduleRef: ModuleRef;
}
