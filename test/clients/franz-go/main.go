// franz-go: every codec, a group of two with cooperative rebalancing, commits, transactions. One line of result.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const partitions, records = 3, 300

var (
	servers, topic = os.Args[1], os.Args[2]
	ctx, cancel    = context.WithTimeout(context.Background(), 100*time.Second)
)

func must(err error) {
	if err != nil {
		log.Fatalf("franz-go: %v", err)
	}
}

func client(options ...kgo.Opt) *kgo.Client {
	made, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(servers)}, options...)...)
	must(err)
	return made
}

func create(name string, partitions int32) {
	with := client()
	defer with.Close()
	request := kmsg.NewPtrCreateTopicsRequest()
	wish := kmsg.NewCreateTopicsRequestTopic()
	wish.Topic, wish.NumPartitions, wish.ReplicationFactor = name, partitions, 1
	request.Topics = append(request.Topics, wish)
	response, err := request.RequestWith(ctx, with)
	must(err)
	must(kerr.ErrorForCode(response.Topics[0].ErrorCode))
}

func produce() map[string]bool {
	sent := map[string]bool{}
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	for name, codec := range codecs {
		with := client(kgo.ProducerBatchCompression(codec), kgo.DefaultProduceTopic(topic))
		batch := []*kgo.Record{}
		for i := 0; i < records; i++ {
			value := fmt.Sprintf("%s-%d-%s", name, i, strings.Repeat("x", 100))
			sent[value] = true
			batch = append(batch, &kgo.Record{Key: []byte(fmt.Sprint(i % 17)), Value: []byte(value)})
		}
		must(with.ProduceSync(ctx, batch...).FirstErr())
		with.Close()
	}
	return sent
}

func consumeInTwo(expected map[string]bool) int {
	seen, members := map[string]bool{}, map[int]bool{}
	pair := []*kgo.Client{}
	for i := 0; i < 2; i++ {
		number := i
		pair = append(pair, client(
			kgo.ConsumerGroup(topic+"-group"), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(200*time.Millisecond),
			kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
				if len(assigned) > 0 {
					members[number] = true
				}
			}),
			kgo.BlockRebalanceOnPoll(),
		))
	}
	for len(seen) < len(expected) || len(members) < 2 {
		must(ctx.Err())
		for _, member := range pair {
			short, stop := context.WithTimeout(ctx, 200*time.Millisecond)
			fetches := member.PollFetches(short)
			stop()
			fetches.EachRecord(func(record *kgo.Record) { seen[string(record.Value)] = true })
			must(member.CommitUncommittedOffsets(ctx))
			member.AllowRebalance()
		}
	}
	for value := range seen {
		if !expected[value] {
			log.Fatalf("%s was never sent", value)
		}
	}
	for _, member := range pair {
		member.Close()
	}
	return len(members)
}

func committed(group string, name string, partitions int32) int64 {
	with := client()
	defer with.Close()
	request := kmsg.NewPtrOffsetFetchRequest()
	request.Group = group
	wish := kmsg.NewOffsetFetchRequestTopic()
	wish.Topic = name
	for p := int32(0); p < partitions; p++ {
		wish.Partitions = append(wish.Partitions, p)
	}
	request.Topics = append(request.Topics, wish)
	response, err := request.RequestWith(ctx, with)
	must(err)
	var total int64
	for _, found := range response.Topics[0].Partitions {
		must(kerr.ErrorForCode(found.ErrorCode))
		total += max(0, found.Offset)
	}
	return total
}

func transact() string {
	out := topic + "-txn"
	create(out, 1)
	session, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(servers), kgo.TransactionalID(topic+"-id"), kgo.DefaultProduceTopic(out),
		kgo.ConsumerGroup(topic+"-txn-group"), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxBytes(4096), kgo.FetchMaxPartitionBytes(2048),
	)
	must(err)
	for _, outcome := range []string{"kept", "dropped", "kept"} {
		for session.PollFetches(ctx).NumRecords() == 0 {
			must(ctx.Err())
		}
		must(session.Begin())
		for i := 0; i < 10; i++ {
			session.Produce(ctx, kgo.StringRecord(outcome), func(_ *kgo.Record, err error) { must(err) })
		}
		// What an abort finds unsent it never sends.
		must(session.Client().Flush(ctx))
		commit := kgo.TransactionEndTry(outcome == "kept")
		done, err := session.End(ctx, commit)
		must(err)
		if done != (outcome == "kept") {
			log.Fatalf("a transaction to be %s ended otherwise", outcome)
		}
	}
	session.Close()
	if committed(topic+"-txn-group", topic, partitions) == 0 {
		log.Fatal("no offset committed by the transactions")
	}
	reader := client(
		kgo.ConsumeTopics(out), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	defer reader.Close()
	count := 0
	for count < 20 {
		must(ctx.Err())
		reader.PollFetches(ctx).EachRecord(func(record *kgo.Record) {
			if string(record.Value) != "kept" {
				log.Fatalf("read %s", record.Value)
			}
			count++
		})
	}
	return "transactions: 20 committed with offsets, 10 aborted unseen"
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, dependency := range info.Deps {
		if dependency.Path == "github.com/twmb/franz-go" {
			return dependency.Version
		}
	}
	return "unknown"
}

func main() {
	defer cancel()
	create(topic, partitions)
	sent := produce()
	members := consumeInTwo(sent)
	offsets := committed(topic+"-group", topic, partitions)
	if offsets != int64(len(sent)) {
		log.Fatalf("committed %d of %d", offsets, len(sent))
	}
	transactions := "no transactions"
	if os.Args[3] == "true" {
		transactions = transact()
	}
	fmt.Printf("franz-go %s: %d produced, consumed by %d members, %d committed, %s\n",
		version(), len(sent), members, offsets, transactions)
}
