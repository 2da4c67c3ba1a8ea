import { Injectable } from '@nestjs/common';
import { type KafkaPartitioner, type PartitionerCluster } from 'nestdaw';

const REGIONS = ['north', 'east', 'south', 'west'];

/** Sensors of one region share a partition, so that their order is kept. */
@Injectable()
export class RegionPartitioner implements KafkaPartitioner {
  partition(
    topic: string,
    key: unknown,
    _keyBytes: Buffer | null,
    _value: unknown,
    _valueBytes: Buffer | null,
    cluster: PartitionerCluster,
  ): number {
    const region = REGIONS.indexOf(String(key).split('-')[0]!);
    return Math.max(0, region) % cluster.partitionsFor(topic).length;
  }
}
