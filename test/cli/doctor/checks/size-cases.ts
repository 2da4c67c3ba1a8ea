import { factsOf, nodeOf, onCluster, topicOf } from '../../../support/doctor-facts.js';
import { type CheckCases, fails, passes, risks, topic, withTopics } from './check-case.js';

export const SIZE_CASES: CheckCases = {
  sizes: [
    passes('all fits, by the defaults of Kafka', withTopics({}), {
      subject: topic('orders'),
      key: 'max.message.bytes',
      value: '1048588',
      says: 'fits',
    }),
    fails(
      'a topic takes less than is sent',
      withTopics({}, { name: 'small', configs: { 'max.message.bytes': '1000' } }),
      {
        verdict: 'fail',
        subject: topic('small'),
        key: 'max.message.bytes',
        value: '1000',
        says: 'less than kafka.producer.properties.max.request.size=1MB (default): refuses what is larger',
      },
    ),
    risks(
      'it takes less before compression',
      onCluster(
        { topics: [topicOf({ configs: { 'max.message.bytes': '1000' } })] },
        { 'producer.compression-type': 'lz4' },
      ),
      { verdict: 'risk', subject: topic('orders'), key: 'max.message.bytes' },
    ),
    risks(
      'later topics take less than is sent',
      onCluster({ topics: [] }, { 'producers.bulk.properties.max.request.size': '2MB' }),
      {
        key: 'message.max.bytes',
        value: '1048588',
        says:
          'less than kafka.producers.bulk.properties.max.request.size=2MB (a.properties): ' +
          'topics that do not say otherwise refuse what is larger',
      },
    ),
    risks('copies fetch less than a batch', withTopics({ configs: { 'max.message.bytes': '1048589' } }), {
      subject: topic('orders'),
      says: "more than replica.fetch.max.bytes=1048576 (the broker's file) of node 1: copies fetch one large batch at a time",
    }),
    risks('consumers fetch less than a batch', factsOf({ 'consumer.properties.max.partition.fetch.bytes': '1KB' }), {
      subject: topic('orders'),
      says: 'more than kafka.consumer.properties.max.partition.fetch.bytes=1KB (a.properties): consumers get one large batch at a time',
    }),
    risks(
      'a broker answers with less than a batch',
      onCluster({ nodes: [nodeOf(1), nodeOf(2, { 'fetch.max.bytes': '1024' })] }),
      {
        says: "more than fetch.max.bytes=1024 (the broker's file) of node 2: consumers get one large batch at a time",
      },
    ),
    fails(
      'a broker does not read such a request',
      onCluster({ nodes: [nodeOf(4, { 'socket.request.max.bytes': '1000' })] }),
      {
        key: 'kafka.producer.properties.max.request.size',
        value: '1MB',
        says: "more than socket.request.max.bytes=1000 (the broker's file) of node 4, which closes the connection",
      },
    ),
  ],
};
