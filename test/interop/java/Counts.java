// A Streams application: counts words, through a repartition topic and a store with its changelog topic.
// Ends when it has counted `total` words in all its lives; prints the counts as one JSON document.
// Usage: java -cp JARS Counts.java BROKER INPUT OUTPUT TOTAL STATE_FOLDER
import java.util.Arrays;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

public class Counts {
  public static void main(String[] args) throws Exception {
    var total = Long.parseLong(args[3]);
    var counts = new TreeMap<String, Long>();
    var enough = new CountDownLatch(1);
    var builder = new StreamsBuilder();
    builder.<String, String>stream(args[1])
        .flatMapValues(line -> Arrays.asList(line.split(" ")))
        .groupBy((key, word) -> word)
        .count(Materialized.as("counts"))
        .toStream()
        .peek((word, count) -> {
          synchronized (counts) {
            counts.put(word, count);
            if (counts.values().stream().mapToLong(Long::longValue).sum() == total) enough.countDown();
          }
        })
        .to(args[2], Produced.with(Serdes.String(), Serdes.Long()));
    var streams = new KafkaStreams(builder.build(), properties(args[0], args[1], args[4]));
    streams.setUncaughtExceptionHandler((failure) -> {
      failure.printStackTrace();
      System.exit(1);
      return null;
    });
    streams.start();
    var isDone = enough.await(500, TimeUnit.SECONDS);
    streams.close();
    System.out.println(counts.entrySet().stream()
        .map((Map.Entry<String, Long> one) -> "\"" + one.getKey() + "\":" + one.getValue())
        .collect(Collectors.joining(",", "{", "}")));
    System.exit(isDone ? 0 : 1);
  }

  static Properties properties(String broker, String input, String folder) {
    var properties = new Properties();
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "counts-of-" + input);
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, broker);
    properties.put(StreamsConfig.STATE_DIR_CONFIG, folder);
    properties.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    properties.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
    properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
    properties.put("auto.offset.reset", "earliest");
    properties.put("session.timeout.ms", 15_000); // Streams does not say goodbye: its next life waits for this
    return properties;
  }
}
