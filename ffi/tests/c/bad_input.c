/* Everything that a program can do wrong without lying about lengths: each call gives a typed error, writes no output, and
 * leaves what was there before. */
#include <math.h>
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

static void refused(int line, tactful_status found, tactful_status expected, const char *code, const char *path) {
  checks++;
  if (found != expected || tactful_error_status(error) != expected || strcmp(tactful_error_code(error).data, code) != 0 ||
      strcmp(tactful_error_path(error).data, path) != 0 || tactful_error_message(error).len == 0 ||
      tactful_error_rendered(error).len < tactful_error_message(error).len) {
    failures++;
    fprintf(stderr, "line %d: status %d, %s\n  expected status %d, %s, %s\n", line, (int)found,
            error ? tactful_error_rendered(error).data : "no error", (int)expected, code, path);
  }
  tactful_error_free(error);
  error = NULL;
}

#define REFUSED(call, status, code, path) refused(__LINE__, call, status, code, path)
#define OK(call) HOLDS((call) == TACTFUL_OK && error == NULL)
#define T tactful_text_of

static void null_pointers(tactful_engine *engine, tactful_customer *ada, tactful_event *event, tactful_request *request) {
  tactful_engine *no_engine = NULL;
  tactful_customer *customer = NULL;
  tactful_decision *decision = NULL;
  tactful_event *made = NULL;
  tactful_base *base = NULL;
  tactful_replay *replay = NULL;
  tactful_diagnostic diagnostic;
  tactful_document document;
  tactful_text lying;
  lying.data = NULL;
  lying.len = 3;
  memset(&document, 0, sizeof document);

  REFUSED(tactful_engine_compile(NULL, 1, &no_engine, &error), 1, "null_pointer", "documents");
  REFUSED(tactful_engine_compile(&document, 1, NULL, &error), 1, "null_pointer", "engine");
  document.text = lying;
  REFUSED(tactful_engine_compile(&document, 1, &no_engine, &error), 1, "null_pointer", "documents[0].text");
  HOLDS(no_engine == NULL);
  REFUSED(tactful_customer_new(NULL, T("customer:ada"), &customer, &error), 1, "null_pointer", "engine");
  REFUSED(tactful_customer_new(engine, T(NULL), &customer, &error), 1, "null_pointer", "identifier");
  REFUSED(tactful_customer_new(engine, T("customer:ada"), NULL, &error), 1, "null_pointer", "customer");
  REFUSED(tactful_engine_record(engine, NULL, event, NULL, &error), 1, "null_pointer", "customer");
  REFUSED(tactful_engine_record(engine, ada, NULL, NULL, &error), 1, "null_pointer", "event");
  REFUSED(tactful_engine_record_outcome(engine, ada, NULL, T("shown"), MARCH, NULL, &error), 1, "null_pointer", "decision");
  REFUSED(tactful_engine_advance(NULL, ada, MARCH, NULL, &error), 1, "null_pointer", "engine");
  REFUSED(tactful_engine_decide(engine, ada, NULL, MARCH, TACTFUL_NO_TIME, &decision, &error), 1, "null_pointer", "request");
  REFUSED(tactful_engine_explain(engine, NULL, request, MARCH, TACTFUL_NO_TIME, &decision, &error), 1, "null_pointer", "customer");
  REFUSED(tactful_engine_decide_among(engine, ada, NULL, 1, request, MARCH, TACTFUL_NO_TIME, &decision, &error), 1, "null_pointer", "related");
  {
    const tactful_customer *nobody = NULL;
    REFUSED(tactful_engine_explain_among(engine, ada, &nobody, 1, request, MARCH, TACTFUL_NO_TIME, &decision, &error), 1, "null_pointer", "related[0]");
  }
  {
    const uint8_t *key = (const uint8_t *)"a secret that only we keep";
    tactful_tombstones *gone = NULL;
    tactful_answer *receipt = NULL;
    tactful_bytes *bytes = NULL;
    REFUSED(tactful_tombstones_new(NULL, 16, &gone, &error), 1, "null_pointer", "key");
    REFUSED(tactful_tombstones_new(key, 15, &gone, &error), TACTFUL_INVALID_EVENT, "erasure_key", "key");
    REFUSED(tactful_tombstones_new(key, 16, NULL, &error), 1, "null_pointer", "tombstones");
    HOLDS(gone == NULL);
    OK(tactful_tombstones_new(key, 16, &gone, &error));
    REFUSED(tactful_engine_erase(engine, NULL, MARCH, gone, &receipt, &error), 1, "null_pointer", "customer");
    REFUSED(tactful_engine_erase(engine, ada, MARCH, NULL, &receipt, &error), 1, "null_pointer", "tombstones");
    REFUSED(tactful_engine_erase(engine, ada, MARCH, gone, NULL, &error), 1, "null_pointer", "receipt");
    REFUSED(tactful_engine_erase(engine, ada, TACTFUL_NO_TIME, gone, &receipt, &error), 1, "time_out_of_range", "at_micros");
    REFUSED(tactful_tombstones_check(gone, engine, NULL, &error), 1, "null_pointer", "event");
    REFUSED(tactful_tombstones_to_bytes(NULL, &bytes, &error), 1, "null_pointer", "tombstones");
    HOLDS(receipt == NULL && bytes == NULL && tactful_tombstones_len(gone) == 0 && tactful_tombstones_len(NULL) == 0);
    OK(tactful_tombstones_to_bytes(gone, &bytes, &error));
    tactful_tombstones_free(gone);
    gone = NULL;
    REFUSED(tactful_tombstones_from_bytes(tactful_bytes_data(bytes), 9, key, 16, &gone, &error), TACTFUL_INVALID_STATE, "truncated", "");
    REFUSED(tactful_tombstones_from_bytes(tactful_bytes_data(bytes), tactful_bytes_len(bytes), key, 3, &gone, &error), TACTFUL_INVALID_STATE, "erasure_key", "");
    HOLDS(gone == NULL);
    tactful_bytes_free(bytes);
  }
  REFUSED(tactful_event_from_json(T(NULL), &made, &error), 1, "null_pointer", "json");
  REFUSED(tactful_event_set(NULL, T("sku"), tactful_value_none(), &error), 1, "null_pointer", "event");
  REFUSED(tactful_event_set(event, T(NULL), tactful_value_none(), &error), 1, "null_pointer", "property");
  REFUSED(tactful_event_set_text(event, "sku", NULL, &error), 1, "null_pointer", "properties.sku");
  REFUSED(tactful_event_set_id(event, T(NULL), &error), 1, "null_pointer", "id");
  REFUSED(tactful_event_set_sequence(NULL, 1, &error), 1, "null_pointer", "event");
  REFUSED(tactful_request_new(NULL, &error), 1, "null_pointer", "request");
  REFUSED(tactful_request_add_placement(NULL, T("home"), &error), 1, "null_pointer", "request");
  REFUSED(tactful_request_set(NULL, T("items"), tactful_value_none(), &error), 1, "null_pointer", "request");
  REFUSED(tactful_base_new(NULL, &base, &error), 1, "null_pointer", "engine");
  REFUSED(tactful_base_record(NULL, event, NULL, &error), 1, "null_pointer", "base");
  REFUSED(tactful_replay_new(NULL, NULL, &replay, &error), 1, "null_pointer", "engine");
  REFUSED(tactful_replay_add_columns(NULL, NULL, 0, 0, &error), 1, "null_pointer", "replay");
  REFUSED(tactful_replay_add_stream(NULL, NULL, &error), 1, "null_pointer", "replay");
  REFUSED(tactful_replay_run(NULL, &error), 1, "null_pointer", "replay");
  HOLDS(customer == NULL && decision == NULL && made == NULL && base == NULL && replay == NULL);

  /* Accessors of nothing find nothing. */
  HOLDS(tactful_engine_digest(NULL).data == NULL && tactful_engine_warning_count(NULL) == 0);
  HOLDS(!tactful_engine_warning(NULL, 0, &diagnostic) && !tactful_engine_warning(engine, 99, &diagnostic));
  HOLDS(tactful_customer_id(NULL).data == NULL && tactful_customer_len(NULL) == 0);
  HOLDS(tactful_engine_next_due(engine, NULL) == TACTFUL_NO_TIME && tactful_engine_next_due(NULL, ada) == TACTFUL_NO_TIME);
  HOLDS(tactful_effects_count(NULL) == 0 && tactful_effects_arrival(NULL) == TACTFUL_ARRIVAL_NONE);
  HOLDS(!tactful_effects_get(NULL, 0, NULL));
  HOLDS(tactful_decision_id(NULL).data == NULL && tactful_decision_to_json(NULL).data == NULL);
  HOLDS(tactful_decision_trace(NULL).data == NULL && tactful_decision_now(NULL) == TACTFUL_NO_TIME);
  HOLDS(!tactful_decision_placement(NULL, 0, NULL) && !tactful_decision_offer(NULL, 0, 0, NULL) && !tactful_decision_assigned(NULL, 0, NULL));
  HOLDS(!tactful_decision_candidate(NULL, 0, NULL) && tactful_decision_reason(NULL, 0, 0).data == NULL);
  HOLDS(tactful_error_status(NULL) == TACTFUL_OK && tactful_error_code(NULL).data == NULL && tactful_error_row(NULL) == -1);
  HOLDS(!tactful_error_diagnostic(NULL, 0, &diagnostic) && tactful_error_diagnostic_count(NULL) == 0);
  HOLDS(tactful_base_len(NULL) == 0 && !tactful_replay_get_stats(NULL, NULL));
  HOLDS(tactful_replay_ignored_column(NULL, 0).data == NULL);

  /* Nothing is freed. */
  tactful_error_free(NULL);
  tactful_engine_free(NULL);
  tactful_event_free(NULL);
  tactful_customer_free(NULL);
  tactful_effects_free(NULL);
  tactful_request_free(NULL);
  tactful_decision_free(NULL);
  tactful_base_free(NULL);
  tactful_replay_free(NULL);

  /* Nobody asks why. */
  HOLDS(tactful_engine_record(engine, NULL, event, NULL, NULL) == TACTFUL_INVALID_ARGUMENT);
}

static void playbooks(void) {
  static const char broken[] = "playbook: shop\nversion: 1\nidentity: {customer: {}}\nsegments: {a: customer.agee > 1, b: 1 +}\nspare: 1\n";
  tactful_engine *engine = NULL;
  tactful_document document;
  tactful_diagnostic diagnostic;
  size_t count;
  int unknown_key = 0;
  document.name = T("broken.yaml");
  document.text = T(broken);
  HOLDS(tactful_engine_compile(&document, 1, &engine, &error) == TACTFUL_INVALID_PLAYBOOK);
  HOLDS(engine == NULL);
  count = tactful_error_diagnostic_count(error);
  HOLDS(count >= 1);
  for (size_t i = 0; tactful_error_diagnostic(error, i, &diagnostic); i++) {
    HOLDS(diagnostic.severity == TACTFUL_SEVERITY_ERROR && diagnostic.code.len > 0 && diagnostic.message.len > 0);
    HOLDS(diagnostic.line >= 1 && diagnostic.line <= 5 && diagnostic.column >= 1 && diagnostic.length >= 1);
    HOLDS(strcmp(diagnostic.document.data, "broken.yaml") == 0);
    if (strcmp(diagnostic.code.data, "unknown_key") == 0) {
      unknown_key++;
      HOLDS(diagnostic.line == 5 && diagnostic.column == 1 && strcmp(diagnostic.source.data, "spare: 1") == 0);
      HOLDS(strcmp(diagnostic.path.data, "spare") == 0);
    }
  }
  HOLDS(unknown_key == 1);
  HOLDS(!tactful_error_diagnostic(error, count, &diagnostic) && !tactful_error_diagnostic(error, 0, NULL));
  HOLDS(strstr(tactful_error_rendered(error).data, "broken.yaml:5:1") != NULL);
  tactful_error_free(error);
  error = NULL;

  document.text.data = "\xff\xfe";
  document.text.len = 2;
  REFUSED(tactful_engine_compile(&document, 1, &engine, &error), TACTFUL_INVALID_ARGUMENT, "not_utf8", "documents[0].text");
  document.text = T("");
  HOLDS(tactful_engine_compile(&document, 1, &engine, &error) == TACTFUL_INVALID_PLAYBOOK);
  tactful_error_free(error);
  error = NULL;
  HOLDS(tactful_engine_compile(NULL, 0, &engine, &error) == TACTFUL_INVALID_PLAYBOOK);
  tactful_error_free(error);
  error = NULL;
  HOLDS(engine == NULL);
}

static void events(const tactful_engine *engine, tactful_customer *ada) {
  tactful_event *event = NULL;
  tactful_effects *effects = NULL;
  tactful_value value = tactful_value_none();
  char json[] = "{\"type\": \"purchase\", \"time\": \"2026-03-01T10:00:00Z\", \"identifier\": \"customer:ada\"}";

  REFUSED(tactful_event_new(T("purchase"), MARCH, T("ada"), &event, &error), 1, "identifier_form", "identifier");
  REFUSED(tactful_event_new(T("purchase"), INT64_MAX, T("customer:ada"), &event, &error), 1, "time_out_of_range", "time_micros");
  REFUSED(tactful_event_new(T("purchase"), TACTFUL_NO_TIME, T("customer:ada"), &event, &error), 1, "time_out_of_range", "time_micros");
  REFUSED(tactful_event_new(T("\xc3\x28"), MARCH, T("customer:ada"), &event, &error), 1, "not_utf8", "event_type");
  REFUSED(tactful_event_new(T("purchase"), MARCH, T("customer:\xff"), &event, &error), 1, "not_utf8", "identifier");
  REFUSED(tactful_event_from_json(T("{"), &event, &error), TACTFUL_INVALID_EVENT, "invalid_json", "");
  REFUSED(tactful_event_from_json(T("{\"type\": \"purchase\", \"spare\": 1}"), &event, &error), TACTFUL_INVALID_EVENT, "invalid_json", "");
  HOLDS(event == NULL);

  OK(tactful_event_new(T("purchase"), MARCH, T("customer:ada"), &event, &error));
  REFUSED(tactful_event_set_double(event, "weight", NAN, &error), 1, "not_finite", "properties.weight");
  REFUSED(tactful_event_set_double(event, "weight", -INFINITY, &error), 1, "not_finite", "properties.weight");
  REFUSED(tactful_event_set_decimal(event, "amount", "twelve", &error), 1, "wrong_value", "properties.amount");
  REFUSED(tactful_event_set_decimal(event, "amount", "1.00000000000000000000000000001", &error), 1, "wrong_value", "properties.amount");
  REFUSED(tactful_event_set_time(event, "due", INT64_MAX, &error), 1, "time_out_of_range", "properties.due");
  REFUSED(tactful_event_set_text(event, "sku", "\xf0\x28", &error), 1, "not_utf8", "properties.sku");
  value.kind = 77;
  REFUSED(tactful_event_set(event, T("sku"), value, &error), 1, "unknown_constant", "properties.sku");
  value.kind = TACTFUL_VALUE_BOOL;
  value.integer = 2;
  REFUSED(tactful_event_set(event, T("gift"), value, &error), 1, "wrong_value", "properties.gift");
  REFUSED(tactful_event_set_known_at(event, INT64_MIN + 1, &error), 1, "time_out_of_range", "known_at_micros");
  REFUSED(tactful_event_add_identifier(event, T(":"), &error), 1, "identifier_form", "identifier");

  /* What does not fit the playbook is said when it is recorded, and nothing is. */
  OK(tactful_event_set_text(event, "skuu", "A", &error));
  REFUSED(tactful_engine_record(engine, ada, event, &effects, &error), TACTFUL_INVALID_EVENT, "undeclared_property", "properties.skuu");
  OK(tactful_event_set(event, T("skuu"), tactful_value_none(), &error));
  OK(tactful_event_set_text(event, "pieces", "three", &error));
  REFUSED(tactful_engine_record(engine, ada, event, &effects, &error), TACTFUL_INVALID_EVENT, "wrong_type", "properties.pieces");
  OK(tactful_event_set_int(event, "pieces", 3, &error));
  OK(tactful_event_set_decimal(event, "amount", "1.005", &error));
  REFUSED(tactful_engine_record(engine, ada, event, &effects, &error), TACTFUL_INVALID_EVENT, "wrong_type", "properties.amount");
  HOLDS(effects == NULL && tactful_customer_len(ada) == 0);

  /* All kinds of values, set twice: the last one counts. */
  OK(tactful_event_set_decimal(event, "amount", "1.50", &error));
  OK(tactful_event_set_text(event, "sku", "A", &error));
  OK(tactful_event_set_text(event, "sku", "B", &error));
  OK(tactful_event_set_double(event, "weight", 0.5, &error));
  OK(tactful_event_set_bool(event, "gift", true, &error));
  OK(tactful_event_set_time(event, "due", MARCH + DAY, &error));
  OK(tactful_event_set_id(event, T("e1"), &error));
  OK(tactful_event_set_sequence(event, 7, &error));
  OK(tactful_event_set_known_at(event, MARCH + 1, &error));
  OK(tactful_event_set_channel(event, T("web"), &error));
  OK(tactful_event_set_source(event, T("till"), &error));
  OK(tactful_event_add_identifier(event, T("visit:9"), &error));
  OK(tactful_engine_record(engine, ada, event, &effects, &error));
  HOLDS(tactful_effects_arrival(effects) == TACTFUL_ARRIVAL_NEW && tactful_effects_count(effects) == 2);
  tactful_effects_free(effects);
  OK(tactful_engine_record(engine, ada, event, &effects, &error));
  HOLDS(tactful_effects_arrival(effects) == TACTFUL_ARRIVAL_DUPLICATE && tactful_effects_count(effects) == 0);
  tactful_effects_free(effects);
  HOLDS(tactful_customer_len(ada) == 1 && strcmp(tactful_customer_id(ada).data, "customer:ada") == 0);
  tactful_event_free(event);

  OK(tactful_event_new(T("sale"), MARCH, T("customer:ada"), &event, &error));
  REFUSED(tactful_engine_record(engine, ada, event, NULL, &error), TACTFUL_INVALID_EVENT, "undeclared_event_type", "type");
  tactful_event_free(event);
  OK(tactful_event_new(T("purchase"), MARCH, T("crm:ada"), &event, &error));
  HOLDS(tactful_engine_record(engine, ada, event, NULL, &error) == TACTFUL_INVALID_EVENT);
  HOLDS(strcmp(tactful_error_code(error).data, "undeclared_namespace") == 0);
  tactful_error_free(error);
  error = NULL;
  tactful_event_free(event);

  /* Text goes in by length: what is behind it is not read. */
  {
    tactful_text text;
    text.len = strlen(json);
    json[text.len] = '}';
    text.data = json;
    OK(tactful_event_from_json(text, &event, &error));
    tactful_event_free(event);
  }
}

static void requests(const tactful_engine *engine, tactful_customer *ada, tactful_request *request) {
  tactful_decision *decision = NULL;
  tactful_placement placement;
  tactful_candidate candidate;
  tactful_engine *other = NULL;
  tactful_document document;

  REFUSED(tactful_engine_decide(engine, ada, request, MARCH, TACTFUL_NO_TIME, &decision, &error), TACTFUL_INVALID_REQUEST, "no_placement", "placements");
  OK(tactful_request_add_placement(request, T("hom"), &error));
  REFUSED(tactful_engine_decide(engine, ada, request, MARCH, TACTFUL_NO_TIME, &decision, &error), TACTFUL_INVALID_REQUEST, "unknown_placement", "placements[0]");
  HOLDS(decision == NULL);
  tactful_request_free(request);
  OK(tactful_request_new(&request, &error));
  OK(tactful_request_add_placement(request, T("home"), &error));
  REFUSED(tactful_request_set_double(request, "heat", NAN, &error), 1, "not_finite", "facts.heat");
  OK(tactful_request_set_text(request, "basquet", "1", &error));
  REFUSED(tactful_engine_decide(engine, ada, request, MARCH, TACTFUL_NO_TIME, &decision, &error), TACTFUL_INVALID_REQUEST, "undeclared_fact", "facts.basquet");
  OK(tactful_request_set(request, T("basquet"), tactful_value_none(), &error));
  OK(tactful_request_set_text(request, "items", "many", &error));
  REFUSED(tactful_engine_decide(engine, ada, request, MARCH, TACTFUL_NO_TIME, &decision, &error), TACTFUL_INVALID_REQUEST, "wrong_type", "facts.items");
  OK(tactful_request_set_int(request, "items", 2, &error));
  OK(tactful_request_set_decimal(request, "basket", "20.00", &error));
  OK(tactful_request_set_text(request, "mood", "good", &error));
  OK(tactful_request_set_bool(request, "rain", false, &error));
  OK(tactful_request_set_double(request, "heat", 21.5, &error));
  OK(tactful_request_set_time(request, "until", MARCH + DAY, &error));
  REFUSED(tactful_engine_decide(engine, ada, request, INT64_MAX, TACTFUL_NO_TIME, &decision, &error), 1, "time_out_of_range", "now_micros");
  REFUSED(tactful_engine_decide(engine, ada, request, MARCH, INT64_MAX, &decision, &error), 1, "time_out_of_range", "known_at_micros");
  HOLDS(decision == NULL);

  OK(tactful_engine_explain(engine, ada, request, MARCH + DAY, TACTFUL_NO_TIME, &decision, &error));
  HOLDS(tactful_decision_now(decision) == MARCH + DAY && tactful_decision_placement_count(decision) == 1);
  HOLDS(tactful_decision_placement(decision, 0, &placement) && placement.offers == 2 && placement.fallback.data == NULL);
  HOLDS(!tactful_decision_placement(decision, 1, &placement) && !tactful_decision_placement(decision, 0, NULL));
  HOLDS(tactful_decision_candidate_count(decision) == 2 && tactful_decision_candidate(decision, 0, &candidate));
  HOLDS(candidate.gate == TACTFUL_GATE_CHOSEN && candidate.scored && candidate.total == 2.0 && !candidate.unknown);
  HOLDS(tactful_decision_reason(decision, 0, 99).data == NULL && tactful_decision_reason(decision, 99, 0).data == NULL);
  HOLDS(strlen(tactful_decision_to_json(decision).data) == tactful_decision_to_json(decision).len);
  HOLDS(tactful_decision_to_json(decision).data == tactful_decision_to_json(decision).data);
  HOLDS(strstr(tactful_decision_trace(decision).data, "thanks: chosen") != NULL);

  REFUSED(tactful_engine_record_outcome(engine, ada, decision, T("show"), MARCH + DAY, NULL, &error), 1, "unknown_outcome", "outcome");
  REFUSED(tactful_engine_record_outcome(engine, ada, decision, T("shown"), INT64_MAX, NULL, &error), 1, "time_out_of_range", "time_micros");
  HOLDS(tactful_customer_len(ada) == 1);
  OK(tactful_engine_record_outcome(engine, ada, decision, T("shown"), MARCH + DAY + 1, NULL, &error));
  HOLDS(tactful_customer_len(ada) == 3);
  {
    tactful_customer *ben = NULL;
    OK(tactful_customer_new(engine, T("customer:ben"), &ben, &error));
    REFUSED(tactful_engine_record_outcome(engine, ben, decision, T("shown"), MARCH + DAY, NULL, &error), 1, "other_customer", "decision");
    HOLDS(tactful_customer_len(ben) == 0);
    tactful_customer_free(ben);
    REFUSED(tactful_customer_new(engine, T("crm:ben"), &ben, &error), TACTFUL_INVALID_EVENT, "undeclared_namespace", "identifiers");
  }
  tactful_decision_free(decision);
  decision = NULL;

  /* A customer belongs to the playbook that made it. */
  document.name = T("other.yaml");
  document.text = T("{playbook: other, version: 1, identity: {customer: {}}, channels: {web: text}, placements: {home: {channel: web}}}");
  OK(tactful_engine_compile(&document, 1, &other, &error));
  REFUSED(tactful_engine_decide(other, ada, request, MARCH, TACTFUL_NO_TIME, &decision, &error), TACTFUL_INVALID_REQUEST, "other_playbook", "");
  {
    const tactful_customer *others[1];
    others[0] = ada;
    REFUSED(tactful_engine_decide_among(other, ada, others, 1, request, MARCH, TACTFUL_NO_TIME, &decision, &error), TACTFUL_INVALID_REQUEST, "other_playbook", "related");
  }
  HOLDS(decision == NULL);
  tactful_engine_free(other);
  tactful_request_free(request);
}

static void bases(const tactful_engine *engine) {
  tactful_base *base = NULL;
  tactful_request *request = NULL;
  tactful_decision *decision = NULL;
  OK(tactful_base_new(engine, &base, &error));
  OK(tactful_request_new(&request, &error));
  OK(tactful_request_add_placement(request, T("home"), &error));
  REFUSED(tactful_base_decide(base, T("crm:1"), request, MARCH, TACTFUL_NO_TIME, &decision, &error), TACTFUL_INVALID_REQUEST, "undeclared_namespace", "identifier");
  REFUSED(tactful_base_explain(base, T("1"), request, MARCH, TACTFUL_NO_TIME, &decision, &error), 1, "identifier_form", "identifier");
  HOLDS(decision == NULL);
  /* Somebody unknown is a customer without events. */
  OK(tactful_base_decide(base, T("customer:1"), request, MARCH, TACTFUL_NO_TIME, &decision, &error));
  HOLDS(tactful_decision_candidate_count(decision) == 0 && tactful_decision_trace(decision).data == NULL);
  HOLDS(tactful_base_len(base) == 0);
  {
    tactful_pair header;
    tactful_held held;
    HOLDS(!tactful_decision_header(decision, 0, 0, 0, &header) && !tactful_decision_header(NULL, 0, 0, 0, NULL));
    HOLDS(!tactful_decision_held(decision, 0, 0, &held) && !tactful_decision_held(NULL, 0, 0, NULL));
    HOLDS(tactful_decision_why(decision, 9, 9, 9).data == NULL && tactful_decision_why(NULL, 0, 0, 0).data == NULL);
  }
  tactful_decision_free(decision);
  {
    tactful_event *event = NULL;
    tactful_effects *effects = NULL;
    tactful_effect effect;
    tactful_customer *customer = NULL;
    OK(tactful_base_find(base, T("customer:1"), &customer, &error));
    HOLDS(customer == NULL && tactful_base_next_due(base) == TACTFUL_NO_TIME && tactful_base_next_due(NULL) == TACTFUL_NO_TIME);
    REFUSED(tactful_base_find(base, T("1"), &customer, &error), 1, "identifier_form", "identifier");
    REFUSED(tactful_base_find(base, T("customer:1"), NULL, &error), 1, "null_pointer", "customer");
    REFUSED(tactful_base_advance(NULL, MARCH, NULL, &error), 1, "null_pointer", "base");
    REFUSED(tactful_base_advance(base, INT64_MAX, &effects, &error), 1, "time_out_of_range", "now_micros");
    HOLDS(effects == NULL);
    OK(tactful_event_new(T("purchase"), MARCH, T("customer:1"), &event, &error));
    OK(tactful_base_record(base, event, NULL, &error));
    tactful_event_free(event);
    HOLDS(tactful_base_next_due(base) == MARCH + 30 * DAY);
    OK(tactful_base_advance(base, MARCH + 31 * DAY, &effects, &error));
    HOLDS(tactful_effects_count(effects) == 1 && tactful_effects_get(effects, 0, &effect));
    HOLDS(effect.effect == TACTFUL_EFFECT_SEGMENT_LEFT && strcmp(effect.customer.data, "customer:1") == 0);
    tactful_effects_free(effects);
    OK(tactful_base_find(base, T("customer:1"), &customer, &error));
    HOLDS(tactful_customer_len(customer) == 1);
    tactful_customer_free(customer);
  }
  tactful_request_free(request);
  tactful_base_free(base);
}

static void states(const tactful_engine *engine, const tactful_customer *ada) {
  tactful_bytes *bytes = NULL;
  tactful_customer *customer = NULL;
  tactful_base *base = NULL;
  const uint8_t nothing[] = {'T', 'A', 'C', 'T'};
  REFUSED(tactful_engine_fold(engine, NULL, MARCH, NULL, NULL, &error), 1, "null_pointer", "customer");
  REFUSED(tactful_customer_to_bytes(NULL, &bytes, &error), 1, "null_pointer", "customer");
  REFUSED(tactful_customer_to_bytes(ada, NULL, &error), 1, "null_pointer", "bytes");
  REFUSED(tactful_customer_from_bytes(engine, NULL, 3, &customer, &error), 1, "null_pointer", "data");
  REFUSED(tactful_customer_from_bytes(engine, NULL, 0, &customer, &error), TACTFUL_INVALID_STATE, "not_state", "");
  REFUSED(tactful_customer_from_bytes(engine, nothing, 4, &customer, &error), TACTFUL_INVALID_STATE, "truncated", "");
  REFUSED(tactful_base_from_bytes(engine, nothing, 4, &base, &error), TACTFUL_INVALID_STATE, "truncated", "");
  REFUSED(tactful_base_to_bytes(NULL, &bytes, &error), 1, "null_pointer", "base");
  HOLDS(bytes == NULL && customer == NULL && base == NULL);
  HOLDS(tactful_bytes_data(NULL) == NULL && tactful_bytes_len(NULL) == 0);
  OK(tactful_customer_to_bytes(ada, &bytes, &error));
  REFUSED(tactful_base_from_bytes(engine, tactful_bytes_data(bytes), tactful_bytes_len(bytes), &base, &error), TACTFUL_INVALID_STATE, "not_state", "");
  REFUSED(tactful_customer_from_bytes(engine, tactful_bytes_data(bytes), tactful_bytes_len(bytes) - 1, &customer, &error), TACTFUL_INVALID_STATE, "damaged", "");
  OK(tactful_customer_from_bytes(engine, tactful_bytes_data(bytes), tactful_bytes_len(bytes), &customer, &error));
  HOLDS(tactful_customer_len(customer) == tactful_customer_len(ada));
  tactful_customer_free(customer);
  tactful_bytes_free(bytes);
  tactful_bytes_free(NULL);
}

int main(void) {
  tactful_engine *engine = NULL;
  tactful_customer *ada = NULL;
  tactful_event *event = NULL;
  tactful_request *request = NULL;
  tactful_document document;

  HOLDS(tactful_abi_version() == TACTFUL_ABI_VERSION);
  HOLDS(strchr(tactful_version(), '.') != NULL);
  document.name = T("shop.yaml");
  document.text = T(shop);
  OK(tactful_engine_compile(&document, 1, &engine, &error));
  if (!engine) {
    fprintf(stderr, "%s\n", tactful_error_rendered(error).data);
    return 1;
  }
  HOLDS(tactful_engine_digest(engine).len == 64);
  OK(tactful_customer_new(engine, T("customer:ada"), &ada, &error));
  OK(tactful_event_new(T("purchase"), MARCH, T("customer:ada"), &event, &error));
  OK(tactful_request_new(&request, &error));
  null_pointers(engine, ada, event, request);
  HOLDS(tactful_customer_len(ada) == 0);
  playbooks();
  events(engine, ada);
  requests(engine, ada, request);
  bases(engine);
  states(engine, ada);
  /* Handles do not depend on each other's lives. */
  tactful_engine_free(engine);
  HOLDS(tactful_customer_len(ada) == 3);
  tactful_customer_free(ada);
  tactful_event_free(event);
  printf("%d checks\n", checks);
  return failures ? 1 : 0;
}
