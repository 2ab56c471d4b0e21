// Prints the records of a topic that read_committed sees, a line each: partition, offset, key, value, separated by spaces.
// `all` ends with the last stable offsets of its start; `follow` runs until it is stopped.
// Usage: java -cp JARS CommittedRecords.java BROKER TOPIC all|follow
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

public class CommittedRecords {
  public static void main(String[] args) {
    var properties = new Properties();
    properties.put("bootstrap.servers", args[0]);
    properties.put("isolation.level", "read_committed");
    var isFollowing = args[2].equals("follow");
    try (var consumer = new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
      var partitions = consumer.partitionsFor(args[1]).stream()
          .map(info -> new TopicPartition(info.topic(), info.partition()))
          .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      var ends = consumer.endOffsets(partitions);
      while (isFollowing || partitions.stream().anyMatch(one -> consumer.position(one) < ends.get(one))) {
        for (var record : consumer.poll(Duration.ofMillis(500)))
          System.out.println(record.partition() + " " + record.offset() + " " + record.key() + " " + record.value());
        System.out.flush();
      }
    }
  }
}
