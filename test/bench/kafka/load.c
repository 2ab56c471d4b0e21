/* The client of the benches against Apache Kafka: librdkafka, driven as hard or as evenly as a row asks, the same program
 * and the same settings for both brokers. Answers one line of JSON.
 *
 *   load produce HOST:PORT TOPIC RECORD_BYTES BATCH_BYTES COUNT CODEC ACKS
 *   load consume HOST:PORT TOPIC COUNT
 *   load latency HOST:PORT TOPIC RECORD_BYTES PER_SECOND COUNT
 *   load transactions HOST:PORT TOPIC RECORD_BYTES RECORDS_OF_EACH COUNT
 */
#include "rdkafka.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Nothing here takes longer: a broker that is gone would be waited for for ever. */
#define LIMIT_S 900
#define LIMIT_MS (LIMIT_S * 1000)

static void fail(const char *what, const char *why) {
  fprintf(stderr, "load: %s: %s\n", what, why);
  exit(1);
}

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
  char why[512];
  if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK) fail(name, why);
}

static rd_kafka_t *client(rd_kafka_type_t type, rd_kafka_conf_t *conf, const char *bootstrap) {
  char why[512];
  set(conf, "bootstrap.servers", bootstrap);
  set(conf, "socket.nagle.disable", "true");
  rd_kafka_t *it = rd_kafka_new(type, conf, why, sizeof why);
  if (!it) fail("client", why);
  return it;
}

/* Producing: a thread of its own takes the answers, so that they are seen when they come. */

static long wanted;
static atomic_long answered;
static double *latencies_ms; /* Undefined where only the throughput counts. */

static void delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque) {
  (void)producer;
  (void)opaque;
  if (message->err) fail("produce", rd_kafka_err2str(message->err));
  long place = atomic_fetch_add(&answered, 1);
  if (latencies_ms) latencies_ms[place] = (now_s() - *(double *)message->_private) * 1e3;
}

static void *take_answers(void *producer) {
  while (atomic_load(&answered) < wanted) rd_kafka_poll(producer, 100);
  return NULL;
}

static void send_one(rd_kafka_t *producer, const char *topic, void *value, size_t bytes, void *opaque) {
  for (;;) {
    rd_kafka_resp_err_t error =
        rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_VALUE(value, bytes),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_BLOCK), RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
    if (!error) return;
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) fail("produce", rd_kafka_err2str(error));
  }
}

static rd_kafka_t *producer(const char *bootstrap, const char *batch_bytes, const char *linger_ms, const char *codec,
                            const char *acks, const char *transactional_id) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  if (transactional_id) set(conf, "transactional.id", transactional_id);
  set(conf, "acks", acks);
  set(conf, "batch.size", batch_bytes);
  set(conf, "batch.num.messages", "100000");
  set(conf, "linger.ms", linger_ms);
  set(conf, "compression.codec", codec);
  set(conf, "queue.buffering.max.messages", "200000");
  set(conf, "queue.buffering.max.kbytes", "131072");
  rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  return client(RD_KAFKA_PRODUCER, conf, bootstrap);
}

static unsigned random_next(void) {
  static unsigned seed = 1;
  return (seed = seed * 1103515245 + 12345) >> 16;
}

/* Bytes that no compression would flatter, the same in every run. */
static char *filled(size_t bytes) {
  char *value = malloc(bytes);
  for (size_t at = 0; at < bytes; at++) value[at] = (char)random_next();
  return value;
}

/* One position after the other, as trucks write them, the same in every run. */
static char *positions(size_t bytes) {
  char *text = malloc(bytes + 200);
  for (size_t at = 0; at < bytes;)
    at += sprintf(text + at, "{\"id\":\"truck-%u\",\"lat\":57.%06u,\"lon\":11.%06u,\"speed\":%u,\"ts\":17000%08u}",
                  random_next() % 500, random_next() * 15, random_next() * 15, random_next() % 90, random_next());
  return text;
}

#define TEXT_BYTES 1000000

static void produce(const char *bootstrap, const char *topic, size_t bytes, const char *batch_bytes, long count,
                    const char *codec, const char *acks) {
  rd_kafka_t *it = producer(bootstrap, batch_bytes, "5", codec, acks, NULL);
  int plain = !strcmp(codec, "none");
  char *values = plain ? filled(bytes) : positions(TEXT_BYTES + bytes);
  pthread_t thread;
  wanted = count;
  double began = now_s();
  pthread_create(&thread, NULL, take_answers, it);
  for (long n = 0; n < count; n++) send_one(it, topic, values + (plain ? 0 : n * bytes % TEXT_BYTES), bytes, NULL);
  pthread_join(thread, NULL);
  double seconds = now_s() - began;
  printf("{\"seconds\":%.6f,\"bytes\":%.0f}\n", seconds, (double)count * bytes);
}

static int ascending(const void *one, const void *other) {
  double difference = *(const double *)one - *(const double *)other;
  return difference < 0 ? -1 : difference > 0;
}

/* Evenly, whatever the broker does meanwhile: a slow answer does not make the next record come later. */
static void latency(const char *bootstrap, const char *topic, size_t bytes, double per_second, long count) {
  rd_kafka_t *it = producer(bootstrap, "1000000", "0", "none", "all", NULL);
  char *value = filled(bytes);
  double *sent_at = malloc(count * sizeof(double));
  latencies_ms = malloc(count * sizeof(double));
  pthread_t thread;
  wanted = count;
  pthread_create(&thread, NULL, take_answers, it);
  double began = now_s();
  for (long n = 0; n < count; n++) {
    double due = began + n / per_second;
    double early = due - now_s();
    if (early > 0) {
      struct timespec pause = {(time_t)early, (long)((early - (time_t)early) * 1e9)};
      nanosleep(&pause, NULL);
    }
    sent_at[n] = now_s();
    send_one(it, topic, value, bytes, &sent_at[n]);
  }
  double sending = now_s() - began;
  pthread_join(thread, NULL);
  qsort(latencies_ms, count, sizeof(double), ascending);
  printf("{\"perSecond\":%.1f,\"p50Ms\":%.3f,\"p99Ms\":%.3f,\"p999Ms\":%.3f,\"mostMs\":%.3f}\n", count / sending,
         latencies_ms[count / 2], latencies_ms[count * 99 / 100], latencies_ms[count * 999 / 1000],
         latencies_ms[count - 1]);
}

static void succeed(const char *what, rd_kafka_error_t *error) {
  if (error) fail(what, rd_kafka_error_string(error));
}

/* One after another; a latency is that of a whole transaction, from its beginning to the response to its commit. */
static void transactions(const char *bootstrap, const char *topic, size_t bytes, long records, long count) {
  rd_kafka_t *it = producer(bootstrap, "1000000", "5", "none", "all", topic);
  char *value = filled(bytes);
  double *each_ms = malloc(count * sizeof(double));
  pthread_t thread;
  wanted = records * count;
  pthread_create(&thread, NULL, take_answers, it);
  succeed("init", rd_kafka_init_transactions(it, LIMIT_MS));
  double began = now_s();
  for (long n = 0; n < count; n++) {
    double own_began = now_s();
    succeed("begin", rd_kafka_begin_transaction(it));
    for (long record = 0; record < records; record++) send_one(it, topic, value, bytes, NULL);
    succeed("commit", rd_kafka_commit_transaction(it, LIMIT_MS));
    each_ms[n] = (now_s() - own_began) * 1e3;
  }
  double seconds = now_s() - began;
  qsort(each_ms, count, sizeof(double), ascending);
  printf("{\"perSecond\":%.2f,\"p50Ms\":%.3f,\"p99Ms\":%.3f}\n", count / seconds, each_ms[count / 2],
         each_ms[count * 99 / 100]);
}

#define AT_ONCE 10000

/* From the beginning of partition 0; the clock starts with the first record. */
static void consume(const char *bootstrap, const char *topic, long count) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "group.id", "bench");
  set(conf, "enable.auto.commit", "false");
  set(conf, "auto.offset.reset", "earliest");
  rd_kafka_t *it = client(RD_KAFKA_CONSUMER, conf, bootstrap);
  rd_kafka_poll_set_consumer(it);
  rd_kafka_topic_partition_list_t *partitions = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(partitions, topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
  rd_kafka_resp_err_t error = rd_kafka_assign(it, partitions);
  if (error) fail("assign", rd_kafka_err2str(error));
  rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(it);
  static rd_kafka_message_t *messages[AT_ONCE];
  double began = 0;
  double bytes = 0;
  for (long seen = 0; seen < count;) {
    ssize_t some = rd_kafka_consume_batch_queue(queue, 1000, messages, AT_ONCE);
    if (some > 0 && began == 0) began = now_s();
    for (ssize_t n = 0; n < some; n++) {
      if (messages[n]->err) fail("consume", rd_kafka_message_errstr(messages[n]));
      bytes += messages[n]->len;
      rd_kafka_message_destroy(messages[n]);
    }
    if (some > 0) seen += some;
  }
  printf("{\"seconds\":%.6f,\"bytes\":%.0f}\n", now_s() - began, bytes);
}

int main(int count, char **words) {
  alarm(LIMIT_S);
  if (count == 9 && !strcmp(words[1], "produce"))
    produce(words[2], words[3], atol(words[4]), words[5], atol(words[6]), words[7], words[8]);
  else if (count == 5 && !strcmp(words[1], "consume"))
    consume(words[2], words[3], atol(words[4]));
  else if (count == 7 && !strcmp(words[1], "latency"))
    latency(words[2], words[3], atol(words[4]), atof(words[5]), atol(words[6]));
  else if (count == 7 && !strcmp(words[1], "transactions"))
    transactions(words[2], words[3], atol(words[4]), atol(words[5]), atol(words[6]));
  else
    fail("usage", "see the head of load.c");
  fflush(stdout);
  _Exit(0); /* what has been counted is done: no farewells that take seconds */
}
