# kafka-python: produces with each codec it has, consumes in a group of two, commits, transacts. One line of result.
import sys
import threading
import time

import kafka
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

SERVERS, TOPIC, TRANSACTIONS = sys.argv[1], sys.argv[2], sys.argv[3] == 'true'
GROUP = TOPIC + '-group'
PARTITIONS, RECORDS, CODECS = 3, 300, [None, 'gzip']


def produce():
    sent = set()
    for codec in CODECS:
        producer = KafkaProducer(
            bootstrap_servers=SERVERS, acks='all', enable_idempotence=True, compression_type=codec, linger_ms=5)
        futures = []
        for i in range(RECORDS):
            value = f'{codec}-{i}'
            sent.add(value)
            headers = [('codec', str(codec).encode())]
            futures.append(producer.send(TOPIC, key=str(i % 17).encode(), value=value.encode(), headers=headers))
        producer.flush(30)
        for future in futures:
            assert future.get(30).offset >= 0
        producer.close()
    return sent


def consumer(**more):
    settings = dict(
        bootstrap_servers=SERVERS, group_id=GROUP, auto_offset_reset='earliest', enable_auto_commit=False,
        max_poll_records=50)
    return KafkaConsumer(TOPIC, **{**settings, **more})


def consume_in_two(expected):
    """Two members share the partitions; each commits what it has seen."""
    seen, lock, done, members = [], threading.Lock(), threading.Event(), set()

    def member():
        own = consumer()
        deadline = time.time() + 60
        while not done.is_set() and time.time() < deadline:
            for records in own.poll(timeout_ms=200).values():
                with lock:
                    seen.extend(record.value.decode() for record in records)
            if own.assignment():
                members.add(threading.get_ident())
            own.commit()
            if len(set(seen)) == len(expected) and len(members) == 2:
                done.set()
        own.close()

    threads = [threading.Thread(target=member) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) == expected, f'{len(set(seen))} of {len(expected)} consumed'
    return len(members)


def committed():
    reader = consumer(group_id=GROUP)
    partitions = [TopicPartition(TOPIC, p) for p in range(PARTITIONS)]
    total = sum(reader.committed(partition) or 0 for partition in partitions)
    ends = sum(reader.end_offsets(partitions).values())
    assert total == ends, f'committed {total} of {ends}'
    reader.close()
    return total


def transact(admin):
    name = TOPIC + '-txn'
    admin.create_topics([NewTopic(name, 1, 1)])
    producer = KafkaProducer(bootstrap_servers=SERVERS, transactional_id=TOPIC + '-id')
    producer.init_transactions()
    for outcome in ['kept', 'dropped', 'kept']:
        producer.begin_transaction()
        for i in range(10):
            producer.send(name, value=outcome.encode())
        producer.flush(30)
        if outcome == 'kept':
            producer.commit_transaction()
        else:
            producer.abort_transaction()
    producer.close()
    reader = KafkaConsumer(
        name, bootstrap_servers=SERVERS, auto_offset_reset='earliest', isolation_level='read_committed',
        consumer_timeout_ms=3000)
    values = []
    for record in reader:
        values.append(record.value)
        if len(values) == 20:
            break
    assert values == [b'kept'] * 20, f'{len(values)} records, {set(values)}'
    reader.close()
    return 'transactions: 20 committed, 10 aborted unseen'


admin = KafkaAdminClient(bootstrap_servers=SERVERS)
admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])
sent = produce()
members = consume_in_two(sent)
offsets = committed()
transactions = transact(admin) if TRANSACTIONS else 'no transactions'
admin.close()
print(f'kafka-python {kafka.__version__}: {len(sent)} produced, consumed by {members} members, '
      f'{offsets} committed, {transactions}')
