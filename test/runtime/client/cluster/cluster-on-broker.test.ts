import { Broker } from '../../../../src/broker/broker.js';
import { InMemoryCluster } from '../../../../src/runtime/client/cluster/in-memory-cluster.js';
import { KafkajsCluster } from '../../../../src/runtime/client/cluster/kafkajs-cluster.js';
import { clusterOnBrokerSuite } from '../../../conformance/cluster-on-broker.suite.js';
import { type ClientBroker, startClientBroker } from '../../../support/client-broker.js';

let broker: ClientBroker;

clusterOnBrokerSuite({
  name: 'kafkajs',
  address: () => broker.address,
  start: async () => {
    broker = await startClientBroker();
  },
  stop: () => broker.stop(),
  create: () => new KafkajsCluster({ bootstrapServers: [broker.address], allowAutoCreateTopics: false }),
});

let embedded: Broker;

clusterOnBrokerSuite({
  name: 'in memory',
  address: () => embedded.bootstrapServers,
  start: async () => {
    embedded = await Broker.start({ port: 0, config: { 'group.initial.rebalance.delay.ms': '0' } });
  },
  stop: () => embedded.stop(),
  create: () =>
    new InMemoryCluster({
      exchange: (frame, connection) => embedded.exchangeFrame(frame, connection),
      allowAutoCreateTopics: false,
    }),
});
