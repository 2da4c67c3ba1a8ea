# confluent-kafka (a current librdkafka): produces with every codec, consumes in a group of two with cooperative
# rebalancing, commits, transacts with the consumer's offsets. One line of result.
import sys
import time

import confluent_kafka
from confluent_kafka import OFFSET_INVALID, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

SERVERS, TOPIC, TRANSACTIONS = sys.argv[1], sys.argv[2], sys.argv[3] == 'true'
GROUP = TOPIC + '-group'
PARTITIONS, RECORDS, CODECS = 3, 300, ['none', 'gzip', 'snappy', 'lz4', 'zstd']


def create(name, partitions):
    admin = AdminClient({'bootstrap.servers': SERVERS})
    for future in admin.create_topics([NewTopic(name, partitions, 1)]).values():
        future.result(30)


def produce():
    sent, failures, delivered = set(), [], []

    def report(error, message):
        (failures if error else delivered).append(error or message.offset())

    for codec in CODECS:
        producer = Producer({
            'bootstrap.servers': SERVERS, 'enable.idempotence': True, 'compression.type': codec, 'linger.ms': 5})
        for i in range(RECORDS):
            value = f'{codec}-{i}-' + 'x' * 100
            sent.add(value)
            producer.produce(TOPIC, key=str(i % 17), value=value, headers={'codec': codec}, on_delivery=report)
        assert producer.flush(30) == 0
    assert not failures, failures[0]
    assert len(delivered) == len(sent)
    return sent


def consumer(**more):
    return Consumer({
        'bootstrap.servers': SERVERS, 'group.id': GROUP, 'auto.offset.reset': 'earliest',
        'enable.auto.commit': False, 'partition.assignment.strategy': 'cooperative-sticky', **more})


def consume_in_two(expected):
    seen, assigned, pair = set(), set(), [consumer(), consumer()]
    for member in pair:
        member.subscribe([TOPIC])
    deadline = time.time() + 60
    while (seen != expected or len(assigned) < 2) and time.time() < deadline:
        for number, member in enumerate(pair):
            for message in member.consume(100, 0.2):
                assert not message.error(), message.error()
                seen.add(message.value().decode())
            if member.assignment():
                assigned.add(number)
    assert seen == expected, f'{len(seen)} of {len(expected)} consumed'
    for member in pair:
        if member.assignment() and any(p.offset >= 0 for p in member.position(member.assignment())):
            member.commit(asynchronous=False)
        member.close()
    return len(assigned)


def committed():
    reader = consumer()
    partitions = [TopicPartition(TOPIC, p) for p in range(PARTITIONS)]
    total = sum(p.offset for p in reader.committed(partitions, 30) if p.offset != OFFSET_INVALID)
    ends = sum(reader.get_watermark_offsets(p, 30)[1] for p in partitions)
    assert total == ends, f'committed {total} of {ends}'
    reader.close()
    return total


def transact():
    name = TOPIC + '-txn'
    create(name, 1)
    source = consumer(**{'group.id': GROUP + '-txn'})
    source.subscribe([TOPIC])
    messages = []
    while not messages:
        messages = source.consume(10, 1)
    producer = Producer({'bootstrap.servers': SERVERS, 'transactional.id': TOPIC + '-id'})
    producer.init_transactions(30)
    for outcome in ['kept', 'dropped', 'kept']:
        producer.begin_transaction()
        for _ in range(10):
            producer.produce(name, value=outcome)
        if outcome == 'kept':
            producer.send_offsets_to_transaction(
                source.position(source.assignment()), source.consumer_group_metadata(), 30)
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)
    offsets = [p.offset for p in source.committed(source.assignment(), 30)]
    assert any(offset > 0 for offset in offsets), offsets
    source.close()
    reader = Consumer({
        'bootstrap.servers': SERVERS, 'group.id': GROUP + '-read', 'auto.offset.reset': 'earliest',
        'isolation.level': 'read_committed', 'enable.auto.commit': False})
    reader.subscribe([name])
    values, deadline = [], time.time() + 20
    while len(values) < 20 and time.time() < deadline:
        values += [message.value() for message in reader.consume(20, 0.5)]
    reader.close()
    assert values == [b'kept'] * 20, f'{len(values)} records, {set(values)}'
    return 'transactions: 20 committed with offsets, 10 aborted unseen'


create(TOPIC, PARTITIONS)
sent = produce()
members = consume_in_two(sent)
offsets = committed()
transactions = transact() if TRANSACTIONS else 'no transactions'
print(f'confluent-kafka {confluent_kafka.version()[0] if isinstance(confluent_kafka.version(), tuple) else confluent_kafka.version()} '
      f'(librdkafka {confluent_kafka.libversion()[0]}): {len(sent)} produced, consumed by {members} members, '
      f'{offsets} committed, {transactions}')
