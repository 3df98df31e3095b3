/* Runs files of tests/vectors through the C interface: vectors FILE... Prints of each how many cases and checks held. */
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tactful.h>

static const char *file_name = "";
static const char *case_name = "";
static int step_number = 0;
static int failures = 0;
static int checks = 0;

static void fail(const char *what, const char *found, const char *expected) {
  failures++;
  fprintf(stderr, "%s: %s: step %d: %s\n     found %s\n  expected %s\n", file_name, case_name, step_number, what,
          found ? found : "(none)", expected ? expected : "(none)");
}

static void check_text(const char *what, const char *found, const char *expected) {
  checks++;
  if ((found == NULL) != (expected == NULL) || (found && strcmp(found, expected) != 0)) fail(what, found, expected);
}

static const char *text(const cJSON *object, const char *key) {
  return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static void *needed(void *found, const char *what) {
  if (!found) {
    fprintf(stderr, "%s: %s: no %s\n", file_name, case_name, what);
    exit(2);
  }
  return found;
}

/* RFC 3339, with up to six digits of seconds. Days by Howard Hinnant's algorithm. */
static int64_t time_of(const char *text) {
  int year, month, day, hour, minute, second, used = 0, ahead_hours = 0, ahead_minutes = 0;
  int64_t micros = 0, era, days, ahead;
  int64_t unit = 100000;
  if (!text || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second, &used) != 6) {
    fprintf(stderr, "%s: %s: no time: %s\n", file_name, case_name, text ? text : "(none)");
    exit(2);
  }
  text += used;
  if (*text == '.') {
    for (text++; *text >= '0' && *text <= '9'; text++, unit /= 10) micros += (*text - '0') * unit;
  }
  if (strcmp(text, "Z") != 0 && sscanf(text + 1, "%2d:%2d", &ahead_hours, &ahead_minutes) != 2) {
    fprintf(stderr, "%s: %s: no zone: %s\n", file_name, case_name, text);
    exit(2);
  }
  ahead = (ahead_hours * 60 + ahead_minutes) * (*text == '-' ? -1 : 1);
  if (month <= 2) year--;
  era = (year >= 0 ? year : year - 399) / 400;
  days = year - era * 400;
  days = days * 365 + days / 4 - days / 100 + (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  days += era * 146097 - 719468;
  return ((days * 24 + hour) * 60 + minute - ahead) * INT64_C(60000000) + second * INT64_C(1000000) + micros;
}

/* Compares an error with what a step expects; true when there was one. */
static int check_error(const cJSON *step, tactful_status status, tactful_error *error) {
  const cJSON *expected = cJSON_GetObjectItemCaseSensitive(step, "error");
  if (status == TACTFUL_OK) {
    if (expected) fail("error", NULL, text(expected, "code"));
    return 0;
  }
  if (expected) {
    check_text("error code", tactful_error_code(error).data, text(expected, "code"));
    check_text("error path", tactful_error_path(error).data, text(expected, "path"));
  } else {
    fail("error", tactful_error_rendered(error).data, NULL);
  }
  tactful_error_free(error);
  return 1;
}

static void check_effect(const tactful_effect *effect, const cJSON *expected) {
  static const char *const kinds[] = {"?", "happened", "corrected", "withdrawn"};
  static const char *const effects[] = {"?", "segment_entered", "segment_left", "stage_changed",
                                        "merged", "parted", "link_refused", "context_changed",
                                        "journey_full", "journey_migrated",
                                        "related", "unrelated", "relation_refused",
                                        "reaction_due", "response_overdue"};
  const int relation = effect->effect >= TACTFUL_EFFECT_RELATED && effect->effect <= TACTFUL_EFFECT_RELATION_REFUSED;
  const int link =
      relation || (effect->effect >= TACTFUL_EFFECT_MERGED && effect->effect <= TACTFUL_EFFECT_LINK_REFUSED);
  const int reacts = effect->effect == TACTFUL_EFFECT_REACTION_DUE;
  const int overdue = effect->effect == TACTFUL_EFFECT_RESPONSE_OVERDUE;
  const int full = effect->effect == TACTFUL_EFFECT_JOURNEY_FULL;
  const char *name = relation                                           ? "relation"
                     : reacts                                             ? "reaction"
                     : overdue                                            ? "feedback"
                     : link                                               ? "reason"
                     : effect->effect == TACTFUL_EFFECT_STAGE_CHANGED   ? "journey"
                     : effect->effect >= TACTFUL_EFFECT_JOURNEY_FULL    ? "journey"
                     : effect->effect == TACTFUL_EFFECT_CONTEXT_CHANGED ? "watch"
                                                                        : "segment";
  check_text("kind", kinds[effect->kind], text(expected, "kind"));
  check_text("effect", effects[effect->effect], text(expected, "effect"));
  check_text(name, effect->name.data, text(expected, name));
  check_text("from", effect->from.data, text(expected, link ? "identifier" : reacts ? "placement" : "from"));
  check_text("to", effect->to.data, text(expected, link ? "other" : reacts ? "channel" : "to"));
  check_text("customer", effect->customer.data, text(expected, "customer"));
  check_text("instance", effect->instance.data, text(expected, "instance"));
  check_text("how", effect->how.data, text(expected, reacts ? "reason" : full ? "cap" : "how"));
  if (reacts || overdue) {
    const cJSON *priority = cJSON_GetObjectItemCaseSensitive(expected, "priority");
    checks += 3;
    if (effect->since != time_of(text(expected, "since"))) fail("since", "another instant", text(expected, "since"));
    if (effect->not_after != (text(expected, "not_after") ? time_of(text(expected, "not_after")) : TACTFUL_NO_TIME)) {
      fail("not_after", "another instant", text(expected, "not_after"));
    }
    if (effect->priority != (priority ? (int64_t)priority->valuedouble : 0)) fail("priority", "another", NULL);
  }
  checks++;
  if (effect->at != time_of(text(expected, "at"))) fail("at", "another instant", text(expected, "at"));
}

static void check_effects(const tactful_effects *effects, const cJSON *expected) {
  const cJSON *one;
  tactful_effect effect;
  size_t number = 0;
  if (!expected) return;
  cJSON_ArrayForEach(one, expected) {
    if (tactful_effects_get(effects, number++, &effect)) {
      check_effect(&effect, one);
    } else {
      fail("effect", NULL, text(one, "effect"));
    }
  }
  if (tactful_effects_get(effects, number, &effect)) fail("effect", effect.name.data, NULL);
}

static void run_record(tactful_base *base, const cJSON *step) {
  static const char *const arrivals[] = {"none", "new", "duplicate", "conflict_kept_old", "conflict_kept_new"};
  char *json = needed(cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(step, "record")), "event");
  tactful_error *error = NULL;
  tactful_event *event = NULL;
  tactful_effects *effects = NULL;
  tactful_status status = tactful_event_from_json(tactful_text_of(json), &event, &error);
  if (status == TACTFUL_OK) status = tactful_base_record(base, event, &effects, &error);
  if (!check_error(step, status, error)) {
    if (text(step, "arrival")) check_text("arrival", arrivals[tactful_effects_arrival(effects)], text(step, "arrival"));
    check_effects(effects, cJSON_GetObjectItemCaseSensitive(step, "effects"));
  }
  tactful_effects_free(effects);
  tactful_event_free(event);
  cJSON_free(json);
}

/* Trends and snapshots of a case: the names that its steps give them are single letters. */
static tactful_trends *counted[128];
static tactful_snapshot *snapshots[128];

static tactful_request *request_of(const cJSON *asked) {
  const cJSON *one;
  const cJSON *number;
  tactful_request *request = NULL;
  tactful_value value;
  tactful_request_new(&request, NULL);
  cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(asked, "placements")) {
    tactful_request_add_placement(request, tactful_text_of(cJSON_GetStringValue(one)), NULL);
  }
  cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(asked, "facts")) {
    if (cJSON_IsBool(one)) {
      value = tactful_value_bool(cJSON_IsTrue(one));
    } else if (cJSON_IsNumber(one) && one->valuedouble == (double)(int64_t)one->valuedouble) {
      value = tactful_value_int((int64_t)one->valuedouble);
    } else if (cJSON_IsNumber(one)) {
      value = tactful_value_double(one->valuedouble);
    } else {
      value = tactful_value_text(tactful_text_of(cJSON_GetStringValue(one)));
    }
    if (tactful_request_set(request, tactful_text_of(one->string), value, NULL) != TACTFUL_OK) {
      fail("fact", "it cannot be set", one->string);
    }
  }
  cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(asked, "scores")) {
    cJSON_ArrayForEach(number, one) {
      tactful_request_set_score(request, tactful_text_of(one->string), tactful_text_of(number->string), number->valuedouble,
                                NULL);
    }
  }
  one = cJSON_GetObjectItemCaseSensitive(asked, "seed");
  if (one) tactful_request_set_seed(request, (uint64_t)one->valuedouble, NULL);
  if (text(asked, "reaction")) tactful_request_set_reaction(request, tactful_text_of(text(asked, "reaction")), NULL);
  if (text(asked, "trends")) tactful_request_set_trends(request, snapshots[(unsigned char)text(asked, "trends")[0]], NULL);
  if (text(asked, "assurance")) {
    const char *assurance = text(asked, "assurance");
    int32_t number = strcmp(assurance, "anonymous") == 0    ? TACTFUL_ASSURANCE_ANONYMOUS
                     : strcmp(assurance, "recognised") == 0 ? TACTFUL_ASSURANCE_RECOGNISED
                                                            : TACTFUL_ASSURANCE_AUTHENTICATED;
    if (tactful_request_set_assurance(request, number, NULL) != TACTFUL_OK) fail("assurance", "it cannot be set", assurance);
  }
  return request;
}

/* Ids of decisions, by the single letters that steps give them. */
static char held[128][80];

static void run_reserve(tactful_base *base, const cJSON *step) {
  const cJSON *asked = cJSON_GetObjectItemCaseSensitive(step, "reserve");
  tactful_request *request = request_of(asked);
  const char *length = text(asked, "reserve_for");
  int64_t reserve_for = TACTFUL_NO_TIME, expires = 0;
  tactful_error *error = NULL;
  tactful_decision *decision = NULL;
  tactful_status status;
  if (length) reserve_for = strtol(length, NULL, 10) * INT64_C(60000000) * (strchr(length, 'h') ? 60 : 1);
  status = tactful_base_reserve(base, tactful_text_of(text(asked, "identifier")), request, time_of(text(asked, "now")),
                                reserve_for, &decision, &expires, &error);
  if (!check_error(step, status, error)) {
    if (text(step, "decision")) check_text("decision", tactful_decision_to_json(decision).data, text(step, "decision"));
    checks++;
    if (text(step, "expires") && time_of(text(step, "expires")) != expires) fail("expires", "another time", text(step, "expires"));
    if (text(asked, "as")) strcpy(held[text(asked, "as")[0] & 127], tactful_decision_id(decision).data);
  }
  tactful_decision_free(decision);
  tactful_request_free(request);
}

/* What is told of a decision: confirm, release or feedback. */
static void run_tell(tactful_base *base, const cJSON *step, const char *kind) {
  const cJSON *asked = cJSON_GetObjectItemCaseSensitive(step, kind);
  const char *decision = text(asked, "decision");
  tactful_text identifier = tactful_text_of(text(asked, "identifier"));
  tactful_text outcome = tactful_text_of(text(asked, "outcome") ? text(asked, "outcome") : "shown");
  tactful_text offer = tactful_text_of(text(asked, "offer"));
  int64_t now = time_of(text(asked, "now"));
  tactful_error *error = NULL;
  tactful_text id = tactful_text_of(decision[1] == '\0' ? held[decision[0] & 127] : decision);
  tactful_status status = strcmp(kind, "confirm") == 0   ? tactful_base_confirm(base, identifier, id, offer, outcome, now, NULL, &error)
                          : strcmp(kind, "release") == 0 ? tactful_base_release(base, identifier, id, offer, now, NULL, &error)
                                                         : tactful_base_feedback(base, identifier, id, offer, outcome, now, NULL, &error);
  checks++;
  check_error(step, status, error);
}

static void run_question(const tactful_base *base, const cJSON *step) {
  const cJSON *explained = cJSON_GetObjectItemCaseSensitive(step, "explain");
  const cJSON *asked = explained ? explained : needed(cJSON_GetObjectItemCaseSensitive(step, "decide"), "question");
  tactful_request *request = request_of(asked);
  tactful_text identifier = tactful_text_of(text(asked, "identifier"));
  int64_t now = time_of(text(asked, "now"));
  int64_t known_at = text(asked, "known_at") ? time_of(text(asked, "known_at")) : TACTFUL_NO_TIME;
  tactful_error *error = NULL;
  tactful_decision *decision = NULL;
  tactful_decision *explanation = NULL;
  const char *json;
  cJSON *found;
  tactful_status status = tactful_base_decide(base, identifier, request, now, known_at, &decision, &error);
  if (!check_error(step, status, error)) {
    json = tactful_decision_to_json(decision).data;
    if (text(step, "decision")) check_text("decision", json, text(step, "decision"));
    if (explained) {
      error = NULL;
      status = tactful_base_explain(base, identifier, request, now, known_at, &explanation, &error);
      if (status != TACTFUL_OK) {
        fail("explanation", tactful_error_rendered(error).data, NULL);
        tactful_error_free(error);
      } else {
        /* An explained decision is the same decision with a trace at its end. */
        checks++;
        if (strncmp(json, tactful_decision_to_json(explanation).data, strlen(json) - 1) != 0) {
          fail("explained decision", tactful_decision_to_json(explanation).data, json);
        }
        found = needed(cJSON_Parse(tactful_decision_to_json(explanation).data), "explanation");
        checks++;
        if (cJSON_GetObjectItemCaseSensitive(step, "trace") &&
            !cJSON_Compare(cJSON_GetObjectItemCaseSensitive(found, "trace"), cJSON_GetObjectItemCaseSensitive(step, "trace"),
                           1)) {
          fail("trace", tactful_decision_to_json(explanation).data, "another");
        }
        cJSON_Delete(found);
      }
    }
  } else if (explained) {
    checks++;
    if (tactful_base_explain(base, identifier, request, now, known_at, &explanation, NULL) != status) {
      fail("explanation", "another status", "that of the decision");
    }
  }
  tactful_decision_free(explanation);
  tactful_decision_free(decision);
  tactful_request_free(request);
}

/* A question in JSON. */
static void run_query(const tactful_base *base, const cJSON *step) {
  char *question = needed(cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(step, "query")), "query");
  const cJSON *expected = cJSON_GetObjectItemCaseSensitive(step, "answer");
  cJSON *found;
  tactful_error *error = NULL;
  tactful_answer *answer = NULL;
  tactful_status status = tactful_base_query(base, tactful_text_of(question), &answer, &error);
  if (!check_error(step, status, error)) {
    found = needed(cJSON_Parse(tactful_answer_to_json(answer).data), "answer");
    checks++;
    if (expected && !cJSON_Compare(found, expected, 1)) {
      char *shown = needed(cJSON_PrintUnformatted(expected), "answer");
      fail("answer", tactful_answer_to_json(answer).data, shown);
      cJSON_free(shown);
    }
    cJSON_Delete(found);
  }
  tactful_answer_free(answer);
  cJSON_free(question);
}

/* The erasure of a customer, or of one identifier. */
static void run_erase(tactful_base *base, const cJSON *step) {
  const cJSON *asked = cJSON_GetObjectItemCaseSensitive(step, "erase");
  const cJSON *expected = cJSON_GetObjectItemCaseSensitive(step, "receipt");
  const char *key = text(asked, "key");
  const char *scope = text(asked, "scope");
  cJSON *found;
  tactful_error *error = NULL;
  tactful_answer *receipt = NULL;
  tactful_status status = tactful_base_erase(
      base, tactful_text_of(text(asked, "identifier")),
      scope && strcmp(scope, "identifier") == 0 ? TACTFUL_ERASE_IDENTIFIER : TACTFUL_ERASE_PERSON, time_of(text(asked, "at")),
      (const uint8_t *)key, strlen(key), &receipt, NULL, &error);
  if (!check_error(step, status, error)) {
    found = needed(cJSON_Parse(tactful_answer_to_json(receipt).data), "receipt");
    checks++;
    if (expected && !cJSON_Compare(found, expected, 1)) fail("receipt", tactful_answer_to_json(receipt).data, "another");
    cJSON_Delete(found);
  }
  tactful_answer_free(receipt);
}

static char *read_file(const char *path) {
  FILE *file = needed(fopen(path, "rb"), path);
  char *text = needed(malloc(1 << 24), "memory");
  text[fread(text, 1, (1 << 24) - 1, file)] = '\0';
  fclose(file);
  return text;
}

/* The engine of a playbook, which is a list of lines. */
static tactful_engine *engine_of(const cJSON *lines) {
  const cJSON *line;
  char *playbook = needed(calloc(1, 1 << 20), "memory");
  tactful_error *error = NULL;
  tactful_engine *engine = NULL;
  tactful_document document;
  cJSON_ArrayForEach(line, lines) strcat(strcat(playbook, cJSON_GetStringValue(line)), "\n");
  document.name = tactful_text_of("playbook.yaml");
  document.text = tactful_text_of(playbook);
  if (tactful_engine_compile(&document, 1, &engine, &error) != TACTFUL_OK) {
    fprintf(stderr, "%s\n", tactful_error_rendered(error).data);
    exit(1);
  }
  free(playbook);
  return engine;
}


static int letter(const cJSON *asked, const char *key) { return text(asked, key)[0] & 127; }

static void forget_counted(void) {
  int i;
  for (i = 0; i < 128; i++) {
    tactful_trends_free(counted[i]);
    tactful_snapshot_free(snapshots[i]);
    counted[i] = NULL;
    snapshots[i] = NULL;
  }
}

static tactful_status read_trend(const cJSON *asked, cJSON **told, tactful_error **error) {
  const tactful_snapshot *snapshot = snapshots[letter(asked, "in")];
  int64_t now = time_of(text(asked, "now"));
  const cJSON *one;
  tactful_text names[8], values[8];
  size_t length = 0;
  tactful_count count;
  tactful_answer *answer = NULL;
  tactful_status status;
  if (!text(asked, "read")) {
    status = tactful_snapshot_cells(snapshot, tactful_text_of(text(asked, "cells")), now, &answer, error);
    if (status == TACTFUL_OK) {
      cJSON *whole = needed(cJSON_Parse(tactful_answer_to_json(answer).data), "answer");
      *told = cJSON_DetachItemFromObjectCaseSensitive(whole, "cells");
      cJSON_Delete(whole);
    }
    tactful_answer_free(answer);
    return status;
  }
  cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(asked, "values")) {
    names[length] = tactful_text_of(one->string);
    values[length++] = tactful_text_of(cJSON_GetStringValue(one));
  }
  status = tactful_snapshot_read(snapshot, tactful_text_of(text(asked, "read")), names, values, length, now, &count, error);
  if (status == TACTFUL_OK && count.customers == 0) *told = cJSON_CreateNull();
  if (status == TACTFUL_OK && count.customers > 0) {
    *told = cJSON_CreateObject();
    cJSON_AddNumberToObject(*told, "count", count.count);
    if (count.sum == count.sum) {
      cJSON_AddNumberToObject(*told, "sum", count.sum);
    } else {
      cJSON_AddNullToObject(*told, "sum");
    }
    cJSON_AddNumberToObject(*told, "customers", (double)count.customers);
  }
  return status;
}

static tactful_status count_trends(const tactful_base *base, const tactful_engine *engine, const cJSON *asked, cJSON **told,
                                   tactful_error **error) {
  tactful_trends **own = &counted[letter(asked, "of")];
  tactful_trends *read = NULL;
  tactful_snapshot *made = NULL;
  tactful_bytes *bytes = NULL;
  tactful_status status;
  bool forgotten = false;
  if (!*own) tactful_trends_new(engine, own, NULL);
  if (text(asked, "observe")) {
    status = tactful_trends_observe_base(*own, base, tactful_text_of(text(asked, "observe")), error);
    if (status == TACTFUL_OK) *told = cJSON_CreateNumber((double)tactful_trends_len(*own));
  } else if (cJSON_GetObjectItemCaseSensitive(asked, "hear")) {
    char *json = needed(cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(asked, "hear")), "event");
    tactful_event *event = NULL;
    status = tactful_event_from_json(tactful_text_of(json), &event, error);
    if (status == TACTFUL_OK) status = tactful_trends_hear(*own, event, error);
    if (status == TACTFUL_OK) *told = cJSON_CreateNumber((double)tactful_trends_len(*own));
    tactful_event_free(event);
    cJSON_free(json);
  } else if (text(asked, "forget")) {
    status = tactful_trends_forget(*own, tactful_text_of(text(asked, "forget")), &forgotten, error);
    if (status == TACTFUL_OK) *told = cJSON_CreateBool(forgotten);
  } else if (text(asked, "merge")) {
    status = tactful_trends_merge(*own, counted[letter(asked, "merge")], error);
    if (status == TACTFUL_OK) *told = cJSON_CreateNumber((double)tactful_trends_len(*own));
  } else {
    const tactful_snapshot *before = text(asked, "before") ? snapshots[letter(asked, "before")] : NULL;
    status = tactful_trends_snapshot(*own, time_of(text(asked, "at")), before, &made, error);
    if (status == TACTFUL_OK) {
      tactful_snapshot **kept = &snapshots[letter(asked, "snapshot")];
      *told = cJSON_CreateString(tactful_snapshot_digest(made).data);
      tactful_snapshot_to_bytes(made, 1, &bytes, NULL);
      tactful_snapshot_free(*kept);
      *kept = NULL;
      tactful_snapshot_from_bytes(engine, tactful_bytes_data(bytes), tactful_bytes_len(bytes), kept, NULL);
      tactful_bytes_free(bytes);
      tactful_snapshot_free(made);
    }
  }
  tactful_trends_to_bytes(*own, &bytes, NULL);
  tactful_trends_from_bytes(engine, tactful_bytes_data(bytes), tactful_bytes_len(bytes), &read, NULL);
  tactful_bytes_free(bytes);
  tactful_trends_free(*own);
  *own = read;
  return status;
}

static void run_trends(const tactful_base *base, const tactful_engine *engine, const cJSON *step) {
  const cJSON *asked = cJSON_GetObjectItemCaseSensitive(step, "trends");
  const cJSON *expected = cJSON_GetObjectItemCaseSensitive(step, "answer");
  cJSON *told = NULL;
  tactful_error *error = NULL;
  tactful_status status = text(asked, "in") ? read_trend(asked, &told, &error) : count_trends(base, engine, asked, &told, &error);
  if (!check_error(step, status, error)) {
    checks++;
    if (!cJSON_Compare(told, expected, 1)) {
      char *found = needed(cJSON_PrintUnformatted(told), "answer");
      char *shown = needed(cJSON_PrintUnformatted(expected), "answer");
      fail("answer", found, shown);
      cJSON_free(found);
      cJSON_free(shown);
    }
  }
  cJSON_Delete(told);
}

/* Old events become totals. */
static void run_fold(tactful_base *base, const cJSON *step) {
  const cJSON *expected = needed(cJSON_GetObjectItemCaseSensitive(step, "folded"), "folded");
  uint64_t count = 0;
  int64_t horizon = time_of(text(cJSON_GetObjectItemCaseSensitive(step, "fold"), "horizon"));
  tactful_effects *effects = NULL;
  checks++;
  if (tactful_base_fold(base, horizon, &count, &effects, NULL) != TACTFUL_OK || (double)count != expected->valuedouble) {
    fail("folded", "another number", NULL);
  }
  check_effects(effects, cJSON_GetObjectItemCaseSensitive(step, "effects"));
  tactful_effects_free(effects);
}

/* Time passes for everybody, and something may be due afterwards. */
static void run_advance(tactful_base *base, const cJSON *step) {
  const char *due = text(step, "next_due");
  int64_t now = time_of(text(cJSON_GetObjectItemCaseSensitive(step, "advance"), "now"));
  tactful_effects *effects = NULL;
  checks += 2;
  if (tactful_base_advance(base, now, &effects, NULL) != TACTFUL_OK) fail("advance", "refused", NULL);
  check_effects(effects, cJSON_GetObjectItemCaseSensitive(step, "effects"));
  if (tactful_base_next_due(base) != (due ? time_of(due) : TACTFUL_NO_TIME)) fail("next_due", "another instant", due);
  tactful_effects_free(effects);
}

/* State goes round as bytes; under another version of the playbook when a step says so. */
static tactful_base *reloaded(tactful_base *base, const tactful_engine *engine, int other) {
  tactful_bytes *bytes = NULL;
  tactful_bytes *again = NULL;
  tactful_base *read = NULL;
  tactful_error *error = NULL;
  tactful_base_to_bytes(base, &bytes, NULL);
  if (tactful_base_from_bytes(engine, tactful_bytes_data(bytes), tactful_bytes_len(bytes), &read, &error) != TACTFUL_OK) {
    fail("bytes", tactful_error_rendered(error).data, NULL);
    exit(1);
  }
  if (!other) {
    checks++;
    tactful_base_to_bytes(read, &again, NULL);
    if (tactful_bytes_len(again) != tactful_bytes_len(bytes) ||
        memcmp(tactful_bytes_data(again), tactful_bytes_data(bytes), tactful_bytes_len(bytes)) != 0) {
      fail("bytes", "others", "the same");
    }
  }
  tactful_bytes_free(again);
  tactful_bytes_free(bytes);
  tactful_base_free(base);
  return read;
}

/* The engine with trends or a table of items. */
static tactful_engine *run_use(const tactful_engine *engine, const cJSON *step) {
  const cJSON *asked = cJSON_GetObjectItemCaseSensitive(step, "use");
  const cJSON *expected = cJSON_GetObjectItemCaseSensitive(step, "bad");
  tactful_engine *used = NULL;
  tactful_answer *bad = NULL;
  tactful_error *error = NULL;
  tactful_status status;
  if (text(asked, "trends")) {
    status = tactful_engine_with_trends(engine, snapshots[letter(asked, "trends")], &used, &error);
  } else {
    status = tactful_engine_with_catalog(engine, tactful_text_of(text(asked, "catalog")), &used, &bad, &error);
  }
  if (!check_error(step, status, error) && expected) {
    cJSON *told = cJSON_Parse(tactful_answer_to_json(bad).data);
    checks++;
    if (!cJSON_Compare(told, expected, 1)) fail("bad", tactful_answer_to_json(bad).data, "others");
    cJSON_Delete(told);
  }
  tactful_answer_free(bad);
  return used;
}

static void run_file(const char *path) {
  tactful_engine *engine = NULL;
  tactful_engine *other = NULL;
  tactful_base *base = NULL;
  const cJSON *reload;
  const cJSON *asked;
  const char *key;
  char *content;
  cJSON *file;
  const cJSON *one;
  const cJSON *step;
  int cases = 0;

  file_name = path;
  checks = 0;
  content = read_file(path);
  file = needed(cJSON_Parse(content), "JSON");
  engine = engine_of(cJSON_GetObjectItemCaseSensitive(file, "playbook"));
  cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(file, "cases")) {
    case_name = text(one, "case");
    step_number = 0;
    key = NULL;
    tactful_base_new(engine, &base, NULL);
    cJSON_ArrayForEach(step, cJSON_GetObjectItemCaseSensitive(one, "steps")) {
      reload = cJSON_GetObjectItemCaseSensitive(step, "reload");
      if (reload) {
        tactful_engine_free(other);
        other = engine_of(cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(file, "versions"),
                                                           needed((void *)text(reload, "version"), "version")));
      } else if (cJSON_GetObjectItemCaseSensitive(step, "record")) {
        run_record(base, step);
      } else if (cJSON_GetObjectItemCaseSensitive(step, "trends")) {
        run_trends(base, other ? other : engine, step);
      } else if (cJSON_GetObjectItemCaseSensitive(step, "use")) {
        tactful_engine *used = run_use(other ? other : engine, step);
        if (used) {
          tactful_engine_free(other);
          other = used;
        }
      } else if (cJSON_GetObjectItemCaseSensitive(step, "learn")) {
        int64_t at = time_of(text(cJSON_GetObjectItemCaseSensitive(step, "learn"), "at"));
        checks++;
        if (tactful_base_learn(base, at, TACTFUL_NO_TIME, NULL) != TACTFUL_OK) fail("learn", "refused", NULL);
      } else if (cJSON_GetObjectItemCaseSensitive(step, "fold")) {
        run_fold(base, step);
      } else if (cJSON_GetObjectItemCaseSensitive(step, "advance")) {
        run_advance(base, step);
      } else if (cJSON_GetObjectItemCaseSensitive(step, "query")) {
        run_query(base, step);
      } else if (cJSON_GetObjectItemCaseSensitive(step, "erase")) {
        run_erase(base, step);
      } else if (cJSON_GetObjectItemCaseSensitive(step, "reserve")) {
        run_reserve(base, step);
      } else if (cJSON_GetObjectItemCaseSensitive(step, "confirm")) {
        run_tell(base, step, "confirm");
      } else if (cJSON_GetObjectItemCaseSensitive(step, "release")) {
        run_tell(base, step, "release");
      } else if (cJSON_GetObjectItemCaseSensitive(step, "feedback")) {
        run_tell(base, step, "feedback");
      } else {
        run_question(base, step);
      }
      base = reloaded(base, other ? other : engine, reload != NULL);
      asked = cJSON_GetObjectItemCaseSensitive(step, "erase");
      if (asked && !cJSON_GetObjectItemCaseSensitive(step, "error")) key = text(asked, "key");
      /* Bytes hold no key. */
      if (key) tactful_base_unlock(base, (const uint8_t *)key, strlen(key), NULL);
      step_number++;
    }
    forget_counted();
    tactful_engine_free(other);
    other = NULL;
    tactful_base_free(base);
    cases++;
  }
  tactful_engine_free(engine);
  cJSON_Delete(file);
  free(content);
  printf("%d cases, %d checks\n", cases, checks);
}

int main(int argc, char **argv) {
  int place;
  if (argc < 2) return 2;
  for (place = 1; place < argc; place++) run_file(argv[place]);
  return failures ? 1 : 0;
}
