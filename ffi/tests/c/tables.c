/* A replay from plain arrays, its results as Arrow streams, and those as input of another replay. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tactful.h>

#include "shop.h"

static int checks = 0;
static int failures = 0;

#define HOLDS(condition)                                                                                               \
  do {                                                                                                                 \
    checks++;                                                                                                          \
    if (!(condition)) {                                                                                                \
      failures++;                                                                                                      \
      fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                                          \
    }                                                                                                                  \
  } while (0)

static tactful_error *error = NULL;

#define T tactful_text_of

static void ok(int line, tactful_status status) {
  checks++;
  if (status == TACTFUL_OK) return;
  failures++;
  fprintf(stderr, "line %d: %s\n", line, tactful_error_rendered(error).data);
  tactful_error_free(error);
  error = NULL;
}
#define OK(call) ok(__LINE__, call)

static void refused(int line, tactful_status found, tactful_status expected, const char *code, const char *path, int64_t row) {
  checks++;
  if (found != expected || strcmp(tactful_error_code(error).data, code) != 0 ||
      strcmp(tactful_error_path(error).data, path) != 0 || tactful_error_row(error) != row) {
    failures++;
    fprintf(stderr, "line %d: status %d, row %d, %s\n", line, (int)found, (int)tactful_error_row(error),
            error ? tactful_error_rendered(error).data : "no error");
  }
  tactful_error_free(error);
  error = NULL;
}
#define REFUSED(call, status, code, path, row) refused(__LINE__, call, status, code, path, row)

static tactful_column column(const char *name, int32_t kind, const void *values) {
  tactful_column made;
  made.name = T(name);
  made.kind = kind;
  made.values = values;
  made.offsets = NULL;
  made.validity = NULL;
  return made;
}

/* Six rows: two customers and a visitor, in no order, one row twice. */
static const char *const types[] = {"purchase", "purchase", "attribute_set", "purchase", "purchase", "purchase"};
static const int64_t times[] = {MARCH + DAY, MARCH, MARCH - DAY, MARCH + 2 * DAY, MARCH, MARCH + 3 * DAY};
static const char customers[] = "customer:adabenbencustomer:adaben";
static const int32_t customer_offsets[] = {0, 12, 15, 18, 30, 33, 33};
static const uint8_t customer_validity[] = {0x1f};
static const char *const visits[] = {NULL, NULL, NULL, NULL, NULL, "77"};
static const char *const ids[] = {"1", "2", "3", "4", "2", "5"};
static const double amounts[] = {12.5, 3.25, 0, 99, 3.25, 1};
static const uint8_t amount_validity[] = {0x3b};
static const char *const attributes[] = {NULL, NULL, "age", NULL, NULL, NULL};
static const int64_t values[] = {0, 0, 44, 0, 0, 0};
static const uint8_t value_validity[] = {0x04};
static const uint8_t gifts[] = {1, 0, 0, 1, 0, 0};
static const int32_t pieces[] = {1, 2, 0, 3, 2, 1};

static size_t table(tactful_column *columns) {
  size_t n = 0;
  columns[n++] = column("type", TACTFUL_COLUMN_STRINGS, types);
  columns[n++] = column("time", TACTFUL_COLUMN_TIME, times);
  columns[n] = column("customer", TACTFUL_COLUMN_TEXT, customers);
  columns[n].offsets = customer_offsets;
  columns[n++].validity = customer_validity;
  columns[n++] = column("visit", TACTFUL_COLUMN_STRINGS, visits);
  columns[n++] = column("id", TACTFUL_COLUMN_STRINGS, ids);
  columns[n] = column("amount", TACTFUL_COLUMN_DOUBLE, amounts);
  columns[n++].validity = amount_validity;
  columns[n++] = column("attribute", TACTFUL_COLUMN_STRINGS, attributes);
  columns[n] = column("value", TACTFUL_COLUMN_INT64, values);
  columns[n++].validity = value_validity;
  columns[n++] = column("gift", TACTFUL_COLUMN_BOOL, gifts);
  columns[n++] = column("pieces", TACTFUL_COLUMN_INT32, pieces);
  columns[n++] = column("colour", TACTFUL_COLUMN_INT32, pieces);
  return n;
}

/* Rows of a stream, read by the rules of the interface; the stream is released. */
static int64_t rows_of(struct ArrowArrayStream *stream, const char *format_of_first, int64_t expected_columns) {
  struct ArrowSchema schema;
  struct ArrowArray array;
  int64_t rows = 0;
  HOLDS(stream->get_schema(stream, &schema) == 0);
  HOLDS(strcmp(schema.format, "+s") == 0 && schema.n_children == expected_columns);
  HOLDS(strcmp(schema.children[0]->format, format_of_first) == 0);
  schema.release(&schema);
  for (;;) {
    HOLDS(stream->get_next(stream, &array) == 0);
    if (!array.release) break;
    HOLDS(array.n_children == expected_columns);
    rows += array.length;
    array.release(&array);
  }
  stream->release(stream);
  HOLDS(stream->release == NULL);
  return rows;
}

static void results(const tactful_replay *replay) {
  static const struct {
    const char *name;
    const char *format_of_first;
    int64_t columns;
    int64_t rows;
  } expected[] = {
      {"customers", "u", 9, 2},       {"decisions", "u", 10, 8},    {"gates", "tsu:UTC", 5, -1}, {"segments", "tsu:UTC", 4, 4},
      {"stages", "tsu:UTC", 6, 6},    {"transitions", "i", 4, 1},   {"bad_rows", "l", 4, 0},
  };
  struct ArrowArrayStream stream;
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    /* Again and again. */
    for (int again = 0; again < 2; again++) {
      int64_t rows;
      OK(tactful_replay_table(replay, T(expected[i].name), &stream, &error));
      rows = rows_of(&stream, expected[i].format_of_first, expected[i].columns);
      HOLDS(expected[i].rows < 0 || rows == expected[i].rows);
      if (expected[i].rows >= 0 && rows != expected[i].rows) fprintf(stderr, "%s: %d rows\n", expected[i].name, (int)rows);
    }
  }
  memset(&stream, 0, sizeof stream);
  /* A table of results is a log too. */
  {
    tactful_answer *answer = NULL;
    OK(tactful_replay_table(replay, T("decisions"), &stream, &error));
    OK(tactful_log_query_stream(&stream, T("{\"query\": \"variants\", \"table\": {\"case\": \"customer\", \"activity\": \"kind\"}}"),
                                &answer, &error));
    HOLDS(stream.release == NULL && strncmp(tactful_answer_to_json(answer).data, "{\"cases\":", 9) == 0);
    tactful_answer_free(answer);
  }
  REFUSED(tactful_replay_table(replay, T("customer"), &stream, &error), TACTFUL_INVALID_ARGUMENT, "no_such_table", "name", -1);
  HOLDS(stream.release == NULL);
  REFUSED(tactful_replay_table(replay, T("customers"), NULL, &error), TACTFUL_INVALID_ARGUMENT, "null_pointer", "stream", -1);
}

static tactful_replay *replay_of(const tactful_engine *engine, int32_t bad_rows) {
  static const int64_t instants[] = {MARCH + 4 * DAY, MARCH + DAY + 1};
  tactful_text placements[2];
  tactful_replay_options options;
  tactful_replay *replay = NULL;
  memset(&options, 0, sizeof options);
  placements[0] = T("home");
  placements[1] = T("banner");
  options.decide_at = instants;
  options.decide_at_count = 2;
  options.placements = placements;
  options.placement_count = 2;
  options.outcome = T("shown");
  options.bad_rows = bad_rows;
  OK(tactful_replay_new(engine, &options, &replay, &error));
  return replay;
}

/* Four events of two cases, mined from plain arrays and from an Arrow stream. */
static void mine(void) {
  static const int64_t cases[] = {1, 1, 2, 2};
  static const char *const activities[] = {"cart", "pay", "cart", "cart"};
  static const int64_t at[] = {MARCH, MARCH + DAY, MARCH, MARCH + 2 * DAY};
  tactful_column columns[3];
  tactful_answer *answer = NULL;
  columns[0] = column("case", TACTFUL_COLUMN_INT64, cases);
  columns[1] = column("what", TACTFUL_COLUMN_STRINGS, activities);
  columns[2] = column("time", TACTFUL_COLUMN_TIME, at);
  OK(tactful_log_query_columns(columns, 3, 4, T("{\"query\": \"matching\", \"table\": {\"activity\": \"what\"}, \"pattern\": \"not pay\"}"),
                               &answer, &error));
  HOLDS(strcmp(tactful_answer_to_json(answer).data, "{\"cases\":1,\"of\":2,\"share\":0.5}") == 0);
  tactful_answer_free(answer);
  answer = NULL;
  REFUSED(tactful_log_query_columns(columns, 3, 4, T("{\"query\": \"matching\", \"pattern\": \"pay\"}"), &answer, &error),
          TACTFUL_INVALID_DATA, "no_such_column", "activity", -1);
  REFUSED(tactful_log_query_columns(columns, 3, 4, T("{\"query\": \"describe\"}"), &answer, &error), TACTFUL_INVALID_QUERY,
          "unknown_query", "query", -1);
  REFUSED(tactful_log_query_stream(NULL, T("{\"query\": \"directly_follows\"}"), &answer, &error), TACTFUL_INVALID_DATA, "released", "",
          -1);
  HOLDS(answer == NULL);
}

/* What the decisions of a replay of one visit are, with a forecast or without one. */
static void replay_visit(const tactful_engine *engine, const uint8_t *forecast, size_t length, const char *kind) {
  static const char *const visit[] = {"visit"};
  static const char *const who[] = {"ada"};
  static const int64_t visited[] = {MARCH + 20 * DAY};
  static const int64_t asked[] = {MARCH + 20 * DAY + 1};
  tactful_column columns[3];
  tactful_text home = T("home");
  tactful_replay_options options;
  tactful_replay *replay = NULL;
  tactful_answer *answer = NULL;
  struct ArrowArrayStream stream;
  columns[0] = column("type", TACTFUL_COLUMN_STRINGS, visit);
  columns[1] = column("time", TACTFUL_COLUMN_TIME, visited);
  columns[2] = column("customer", TACTFUL_COLUMN_STRINGS, who);
  memset(&options, 0, sizeof options);
  options.decide_at = asked;
  options.decide_at_count = 1;
  options.placements = &home;
  options.placement_count = 1;
  options.forecast = forecast;
  options.forecast_length = length;
  OK(tactful_replay_new(engine, &options, &replay, &error));
  OK(tactful_replay_add_columns(replay, columns, 3, 1, &error));
  OK(tactful_replay_run(replay, &error));
  OK(tactful_replay_table(replay, T("decisions"), &stream, &error));
  OK(tactful_log_query_stream(&stream, T("{\"query\": \"variants\", \"table\": {\"case\": \"customer\", \"activity\": \"kind\"}}"),
                              &answer, &error));
  HOLDS(strstr(tactful_answer_to_json(answer).data, kind) != NULL);
  if (strstr(tactful_answer_to_json(answer).data, kind) == NULL) fprintf(stderr, "%s\n", tactful_answer_to_json(answer).data);
  tactful_answer_free(answer);
  tactful_replay_free(replay);
}

/* A rule asks what comes next: a replay knows it out of the bytes of what a base learned, and a request does. */
static void foresee(void) {
  static const char *const people[] = {"customer:1", "customer:2", "customer:3"};
  tactful_document document;
  tactful_engine *engine = NULL;
  tactful_base *base = NULL;
  tactful_bytes *bytes = NULL;
  tactful_replay_options options;
  tactful_replay *replay = NULL;
  uint8_t *damaged;
  size_t length;
  document.name = T("ahead.yaml");
  document.text =
      T("{playbook: ahead, version: 1, identity: {customer: {}}, events: {visit: {}, purchase: {}},"
        " journeys: {way: {predict: {k: 2}, stages: {curious: {on: visit}, owner: {on: purchase}}}},"
        " channels: {web: text}, placements: {home: {channel: web}}, offers: {nudge: {eligible:"
        " 'journey(\"way\").next(\"purchase\").within(\"14d\") > 0.4', treatments: {web: {message: hi}}}}}");
  OK(tactful_engine_compile(&document, 1, &engine, &error));
  OK(tactful_base_new(engine, &base, &error));
  for (size_t i = 0; i < sizeof people / sizeof *people; i++) {
    for (int bought = 0; bought < 2; bought++) {
      tactful_event *event = NULL;
      tactful_effects *effects = NULL;
      OK(tactful_event_new(T(bought ? "purchase" : "visit"), MARCH + bought * DAY, T(people[i]), &event, &error));
      OK(tactful_base_record(base, event, &effects, &error));
      tactful_effects_free(effects);
      tactful_event_free(event);
    }
  }
  OK(tactful_base_learn(base, MARCH + 10 * DAY, TACTFUL_NO_TIME, &error));
  OK(tactful_base_forecast_to_bytes(base, &bytes, &error));
  length = tactful_bytes_len(bytes);
  HOLDS(length > 0);
  replay_visit(engine, NULL, 0, "\"silence\"");
  replay_visit(engine, tactful_bytes_data(bytes), length, "\"offer\"");
  /* Bytes that are no forecast are refused before anything is replayed. */
  damaged = (uint8_t *)malloc(length);
  memcpy(damaged, tactful_bytes_data(bytes), length);
  damaged[length / 2] ^= 1;
  memset(&options, 0, sizeof options);
  options.forecast = damaged;
  options.forecast_length = length;
  REFUSED(tactful_replay_new(engine, &options, &replay, &error), TACTFUL_INVALID_STATE, "damaged", "", -1);
  HOLDS(replay == NULL);
  free(damaged);
  tactful_bytes_free(bytes);
  tactful_base_free(base);
  tactful_engine_free(engine);
}

int main(void) {
  tactful_engine *engine = NULL;
  tactful_replay *replay = NULL;
  tactful_replay *second = NULL;
  tactful_replay_stats stats;
  tactful_replay_options options;
  tactful_document document;
  tactful_column columns[16];
  size_t count = table(columns);
  struct ArrowArrayStream stream;
  struct ArrowArrayStream kept;

  document.name = T("shop.yaml");
  document.text = T(shop);
  OK(tactful_engine_compile(&document, 1, &engine, &error));

  /* A replay of plain arrays. */
  replay = replay_of(engine, TACTFUL_BAD_ROWS_STOP);
  memset(&stream, 0, sizeof stream);
  REFUSED(tactful_replay_table(replay, T("customers"), &stream, &error), TACTFUL_INVALID_ARGUMENT, "not_run", "replay", -1);
  OK(tactful_replay_add_columns(replay, columns, count, 6, &error));
  HOLDS(strcmp(tactful_replay_ignored_column(replay, 0).data, "colour") == 0);
  HOLDS(tactful_replay_ignored_column(replay, 1).data == NULL);
  OK(tactful_replay_run(replay, &error));
  HOLDS(tactful_replay_get_stats(replay, &stats));
  HOLDS(stats.rows == 6 && stats.events == 5 && stats.duplicates == 1 && stats.conflicts == 0 && stats.bad_rows == 0);
  HOLDS(stats.customers == 2 && stats.anonymous_visitors == 1 && stats.anonymous_events == 1);
  HOLDS(stats.decisions == 4 && stats.exposures > 0);
  REFUSED(tactful_replay_run(replay, &error), TACTFUL_INVALID_ARGUMENT, "already_run", "replay", -1);
  REFUSED(tactful_replay_add_columns(replay, columns, count, 6, &error), TACTFUL_INVALID_ARGUMENT, "already_run", "replay", -1);
  results(replay);

  /* Beside another that asks nowhere: both know the customers, only the first decides. */
  {
    tactful_answer *compared = NULL;
    const char *text;
    memset(&options, 0, sizeof options);
    OK(tactful_replay_new(engine, &options, &second, &error));
    REFUSED(tactful_replay_compare(replay, second, &compared, &error), TACTFUL_INVALID_ARGUMENT, "not_run", "after", -1);
    OK(tactful_replay_add_columns(second, columns, count, 6, &error));
    OK(tactful_replay_run(second, &error));
    OK(tactful_replay_compare(replay, replay, &compared, &error));
    text = tactful_answer_to_json(compared).data;
    HOLDS(strstr(text, "\"changed\":0,\"only_before\":0,") != NULL);
    tactful_answer_free(compared);
    OK(tactful_replay_compare(replay, second, &compared, &error));
    text = tactful_answer_to_json(compared).data;
    HOLDS(strstr(text, "\"same\":0,\"changed\":0,\"only_before\":8,\"only_after\":0,") != NULL);
    tactful_answer_free(compared);
    tactful_replay_free(second);
    second = NULL;
  }

  /* A result may outlive the replay, and be the input of another: it has no column `type`. */
  OK(tactful_replay_table(replay, T("decisions"), &kept, &error));
  OK(tactful_replay_table(replay, T("decisions"), &stream, &error));
  tactful_replay_free(replay);
  replay = replay_of(engine, TACTFUL_BAD_ROWS_STOP);
  REFUSED(tactful_replay_add_stream(replay, &stream, &error), TACTFUL_INVALID_DATA, "no_such_column", "type", -1);
  HOLDS(stream.release == NULL);
  REFUSED(tactful_replay_add_stream(replay, &stream, &error), TACTFUL_INVALID_DATA, "released", "", -1);
  REFUSED(tactful_replay_add_stream(replay, NULL, &error), TACTFUL_INVALID_DATA, "released", "", -1);
  HOLDS(rows_of(&kept, "u", 10) == 8);
  tactful_replay_free(replay);

  /* With other names it has one, in which no type is declared: every row is bad, and said so. */
  {
    tactful_column_role roles[2];
    roles[0].role = T("type");
    roles[0].column = T("kind");
    roles[1].role = T("sku");
    roles[1].column = T("offer");
    memset(&options, 0, sizeof options);
    options.roles = roles;
    options.role_count = 2;
    options.bad_rows = TACTFUL_BAD_ROWS_REPORT;
    replay = replay_of(engine, TACTFUL_BAD_ROWS_STOP);
    OK(tactful_replay_add_columns(replay, columns, count, 6, &error));
    OK(tactful_replay_run(replay, &error));
    OK(tactful_replay_table(replay, T("decisions"), &stream, &error));
    OK(tactful_replay_new(engine, &options, &second, &error));
    OK(tactful_replay_add_stream(second, &stream, &error));
    HOLDS(tactful_replay_get_stats(second, &stats) && stats.rows == 8 && stats.bad_rows == 8);
    OK(tactful_replay_run(second, &error));
    OK(tactful_replay_table(second, T("bad_rows"), &stream, &error));
    HOLDS(rows_of(&stream, "l", 4) == 8);
    tactful_replay_free(second);
    tactful_replay_free(replay);
  }

  /* Bad rows stop, by number and column, and what was before stays; or they are reported. */
  {
    static const char *const wrong_types[] = {"purchase", "purchase", "sale", "purchase", "purchase", "purchase"};
    static const uint8_t wrong_bool[] = {0, 1, 2, 0, 0, 0};
    static const int32_t wrong_offsets[] = {0, 12, 15, 18, 30, 33, -1};
    static const int32_t falling_offsets[] = {0, 12, 9, 18, 30, 33, 33};
    tactful_column changed = columns[0];
    columns[0].values = wrong_types;
    replay = replay_of(engine, TACTFUL_BAD_ROWS_STOP);
    REFUSED(tactful_replay_add_columns(replay, columns, count, 6, &error), TACTFUL_INVALID_DATA, "undeclared_event_type", "type", 2);
    HOLDS(tactful_replay_get_stats(replay, &stats) && stats.events == 2);
    tactful_replay_free(replay);
    replay = replay_of(engine, TACTFUL_BAD_ROWS_REPORT);
    OK(tactful_replay_add_columns(replay, columns, count, 6, &error));
    HOLDS(tactful_replay_get_stats(replay, &stats) && stats.events == 4 && stats.bad_rows == 1);
    columns[0] = changed;
    OK(tactful_replay_add_columns(replay, columns, count, 0, &error));
    REFUSED(tactful_replay_add_columns(replay, NULL, 0, 0, &error), TACTFUL_INVALID_DATA, "no_such_column", "customer", -1);
    REFUSED(tactful_replay_add_columns(replay, NULL, 1, 0, &error), TACTFUL_INVALID_ARGUMENT, "null_pointer", "columns", -1);
    changed = columns[8];
    columns[8].values = wrong_bool;
    REFUSED(tactful_replay_add_columns(replay, columns, count, 6, &error), TACTFUL_INVALID_DATA, "wrong_value", "gift", -1);
    columns[8].kind = 99;
    REFUSED(tactful_replay_add_columns(replay, columns, count, 6, &error), TACTFUL_INVALID_ARGUMENT, "unknown_constant", "gift", -1);
    columns[8] = changed;
    columns[8].values = NULL;
    REFUSED(tactful_replay_add_columns(replay, columns, count, 6, &error), TACTFUL_INVALID_ARGUMENT, "null_pointer", "gift", -1);
    columns[8] = changed;
    columns[8].name = T("pieces");
    REFUSED(tactful_replay_add_columns(replay, columns, count, 6, &error), TACTFUL_INVALID_DATA, "duplicate_column", "pieces", -1);
    columns[8] = changed;
    columns[2].offsets = wrong_offsets;
    REFUSED(tactful_replay_add_columns(replay, columns, count, 6, &error), TACTFUL_INVALID_DATA, "malformed", "customer", -1);
    columns[2].offsets = falling_offsets;
    OK(tactful_replay_add_columns(replay, columns, count, 6, &error));
    HOLDS(tactful_replay_get_stats(replay, &stats) && stats.bad_rows >= 2);
    columns[2].offsets = NULL;
    REFUSED(tactful_replay_add_columns(replay, columns, count, 6, &error), TACTFUL_INVALID_ARGUMENT, "null_pointer", "customer", -1);
    tactful_replay_free(replay);
  }

  /* Text with long offsets; C strings of which a bitmap says that some are null; numbers as ids. */
  {
    static const int64_t long_offsets[] = {0, 12, 15, 18, 30, 33, 33};
    static const uint8_t none_of_last[] = {0x1f};
    static const int64_t numbers[] = {1, 2, 3, 4, 2, 5};
    columns[2].offsets = long_offsets;
    columns[2].kind = TACTFUL_COLUMN_TEXT64;
    columns[3].validity = none_of_last;
    columns[4] = column("id", TACTFUL_COLUMN_INT64, numbers);
    replay = replay_of(engine, TACTFUL_BAD_ROWS_REPORT);
    OK(tactful_replay_add_columns(replay, columns, count, 6, &error));
    OK(tactful_replay_run(replay, &error));
    HOLDS(tactful_replay_get_stats(replay, &stats));
    /* Without its visit the last row belongs to nobody. */
    HOLDS(stats.events == 4 && stats.duplicates == 1 && stats.bad_rows == 1 && stats.anonymous_visitors == 0);
    tactful_replay_free(replay);
  }

  /* Options are checked. */
  memset(&options, 0, sizeof options);
  replay = NULL;
  options.bad_rows = 7;
  REFUSED(tactful_replay_new(engine, &options, &replay, &error), TACTFUL_INVALID_ARGUMENT, "unknown_constant", "options.bad_rows", -1);
  options.bad_rows = TACTFUL_BAD_ROWS_STOP;
  options.outcome = T("show");
  HOLDS(tactful_replay_new(engine, &options, &replay, NULL) == TACTFUL_INVALID_REQUEST && replay == NULL);
  options.outcome = T("");
  options.decide_at_count = 1;
  REFUSED(tactful_replay_new(engine, &options, &replay, &error), TACTFUL_INVALID_ARGUMENT, "null_pointer", "options.decide_at", -1);
  OK(tactful_replay_new(engine, NULL, &replay, &error));
  tactful_replay_free(replay);
  tactful_engine_free(engine);
  mine();
  foresee();
  printf("%d checks\n", checks);
  return failures ? 1 : 0;
}
