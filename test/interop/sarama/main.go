// Command sarama is IBM's Go client as a user of it would have it: write, read in a group, administer.
// It prints one JSON document, for client.ts to judge.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/IBM/sarama"
)

const limit = 500 * time.Second

var codecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy,
	"lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

func main() {
	commands := map[string]func(string, []string) map[string]any{"write": write, "read": read, "administer": administer}
	answer := commands[os.Args[2]](os.Args[1], os.Args[3:])
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		panic(err)
	}
}

func config() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.MaxVersion
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Return.Successes = true
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	logIn(c)
	return c
}

func write(broker string, args []string) map[string]any {
	topic, codec, count := args[0], args[1], number(args[2])
	c := config()
	c.Producer.Compression = codecs[codec]
	c.Producer.Idempotent = true
	c.Net.MaxOpenRequests = 1
	producer := must(sarama.NewSyncProducer([]string{broker}, c))
	messages := make([]*sarama.ProducerMessage, count)
	for n := range messages {
		messages[n] = &sarama.ProducerMessage{
			Topic: topic, Key: sarama.StringEncoder(fmt.Sprintf("k%d", n%10)), Value: sarama.StringEncoder(fmt.Sprintf("v%d", n)),
			Headers: []sarama.RecordHeader{{Key: []byte("origin"), Value: []byte("sarama")}},
		}
	}
	check(producer.SendMessages(messages))
	check(producer.Close())
	return map[string]any{"written": count, "failures": []string{}}
}

// tally is a group's handler: what it has read, until it has enough.
type tally struct {
	wanted            int
	values            map[string]bool
	last              map[int32]int64
	read              int
	complete, ordered bool
	seen              chan *sarama.ConsumerMessage
	enough            chan struct{}
}

func (t *tally) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (t *tally) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (t *tally) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			session.MarkMessage(message, "")
			t.seen <- message
		case <-session.Context().Done():
			return nil
		case <-t.enough:
			return nil
		}
	}
}

func (t *tally) hasEnough() bool {
	select {
	case <-t.enough:
		return true
	default:
		return false
	}
}

func (t *tally) count() {
	for message := range t.seen {
		last, known := t.last[message.Partition]
		t.ordered = t.ordered && (!known || message.Offset > last)
		t.complete = t.complete && message.Key != nil && len(message.Headers) > 0
		t.last[message.Partition] = message.Offset
		t.values[string(message.Value)] = true
		t.read++
		if t.read == t.wanted {
			close(t.enough)
		}
	}
}

func read(broker string, args []string) map[string]any {
	topic, group, count := args[0], args[1], number(args[2])
	t := &tally{
		wanted: count, values: map[string]bool{}, last: map[int32]int64{}, complete: true, ordered: true,
		seen: make(chan *sarama.ConsumerMessage), enough: make(chan struct{}),
	}
	go t.count()
	consumer := must(sarama.NewConsumerGroup([]string{broker}, group, config()))
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for ctx.Err() == nil && !t.hasEnough() {
		check(consumer.Consume(ctx, []string{topic}, t))
	}
	check(consumer.Close())
	return map[string]any{
		"read": t.read, "distinct": len(t.values), "complete": t.complete, "ordered": t.ordered,
		"committed": committed(must(sarama.NewClusterAdmin([]string{broker}, config())), group),
	}
}

func committed(admin sarama.ClusterAdmin, group string) int64 {
	var sum int64
	for _, partitions := range must(admin.ListConsumerGroupOffsets(group, nil)).Blocks {
		for _, block := range partitions {
			sum += block.Offset
		}
	}
	return sum
}

func administer(broker string, args []string) map[string]any {
	topic := args[0]
	group := topic + "-group"
	admin := must(sarama.NewClusterAdmin([]string{broker}, config()))
	check(admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 3, ReplicationFactor: 1}, false))
	check(admin.CreatePartitions(topic, 4, nil, false))
	retention := "1234"
	set := map[string]sarama.IncrementalAlterConfigsEntry{
		"retention.ms": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &retention},
	}
	check(admin.IncrementalAlterConfig(sarama.TopicResource, topic, set, false))
	configs := must(admin.DescribeConfig(sarama.ConfigResource{
		Type: sarama.TopicResource, Name: topic, ConfigNames: []string{"retention.ms"},
	}))
	write(broker, []string{topic, "zstd", "50"})
	read(broker, []string{topic, group, "50"})
	_, listed := must(admin.ListConsumerGroups())[group]
	described := must(admin.DescribeConsumerGroups([]string{group}))
	offsets := committed(admin, group)
	client := must(sarama.NewClient([]string{broker}, config()))
	ends := map[int32]int64{}
	var sum int64
	for n := int32(0); n < 4; n++ {
		ends[n] = must(client.GetOffset(topic, n, sarama.OffsetNewest))
		sum += ends[n]
	}
	check(admin.DeleteRecords(topic, map[int32]int64{0: ends[0]}))
	first := must(client.GetOffset(topic, 0, sarama.OffsetOldest))
	check(admin.DeleteConsumerGroup(group))
	metadata := must(admin.DescribeTopics([]string{topic}))
	check(admin.DeleteTopic(topic))
	_, there := must(admin.ListTopics())[topic]
	return map[string]any{
		"partitions": len(metadata[0].Partitions), "retention": configs[0].Value, "ends": sum, "committed": offsets,
		"listed": listed, "state": upper(described[0].State), "emptied": first == ends[0], "gone": !there,
	}
}

func upper(state string) string {
	if state == "Empty" {
		return "EMPTY"
	}
	return state
}

func number(text string) int { return must(strconv.Atoi(text)) }

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
