// A real client's rates: writes so many records of so many bytes to a topic, then reads them all from its beginning.
// usage: franz-go-bench SERVERS TOPIC produce|fetch RECORDS BYTES. Prints MB/s.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	servers, topic, what := os.Args[1], os.Args[2], os.Args[3]
	records, err := strconv.Atoi(os.Args[4])
	must(err)
	size, err := strconv.Atoi(os.Args[5])
	must(err)
	options := []kgo.Opt{kgo.SeedBrokers(servers), kgo.DefaultProduceTopic(topic)}
	if what == "fetch" {
		options = append(options, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	} else {
		// The broker is measured, not the client's codec.
		options = append(options, kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerLinger(0))
	}
	client, err := kgo.NewClient(options...)
	must(err)
	defer client.Close()
	must(client.Ping(context.Background()))
	started := time.Now()
	if what == "fetch" {
		fetch(client, records)
	} else {
		produce(client, records, size)
	}
	fmt.Println(float64(records*size) / 1e6 / time.Since(started).Seconds())
}

func produce(client *kgo.Client, records, size int) {
	value := make([]byte, size)
	for i := range value {
		value[i] = byte('a' + i%16)
	}
	var done sync.WaitGroup
	done.Add(records)
	for i := 0; i < records; i++ {
		client.Produce(context.Background(), &kgo.Record{Value: value}, func(_ *kgo.Record, err error) {
			must(err)
			done.Done()
		})
	}
	done.Wait()
}

func fetch(client *kgo.Client, records int) {
	for seen := 0; seen < records; {
		fetches := client.PollFetches(context.Background())
		for _, failed := range fetches.Errors() {
			must(failed.Err)
		}
		seen += fetches.NumRecords()
	}
}
