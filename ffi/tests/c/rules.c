/* Expressions and rule sets on their own, in C: what is true, what is refused, every kind of value. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <tactful.h>

static int checks = 0;
static int failures = 0;

static void check(int holds, const char *what) {
  checks++;
  if (!holds) {
    failures++;
    fprintf(stderr, "does not hold: %s\n", what);
  }
}

static tactful_pair pair(const char *name, const char *text) {
  tactful_pair made;
  made.name = tactful_text_of(name);
  made.text = tactful_text_of(text);
  return made;
}

static void refused(tactful_status found, tactful_status expected, tactful_error *error, const char *code, const char *path) {
  check(found == expected, code);
  check(error != NULL && strcmp(tactful_error_code(error).data, code) == 0, code);
  if (error && strcmp(tactful_error_path(error).data, path) != 0) {
    failures++;
    fprintf(stderr, "path %s, not %s\n", tactful_error_path(error).data, path);
  }
  tactful_error_free(error);
}

static void rules(void) {
  tactful_pair conditions[3];
  tactful_pair facts[4];
  tactful_rules *rules = NULL;
  tactful_row *row = NULL;
  tactful_answer *answer = NULL;
  tactful_error *error = NULL;
  tactful_diagnostic warning;
  const uint32_t *matches = NULL;
  size_t count = 0;
  uint32_t age;
  conditions[0] = pair("adult", "customer.age >= 18");
  conditions[1] = pair("vip", "customer.age >= 18 && 'vip' in customer.tags");
  conditions[2] = pair("kinds", "id == 5u && key == b'a\\x00b'");
  facts[0] = pair("customer.age", "int");
  facts[1] = pair("customer.tags", "list(string)");
  facts[2] = pair("id", "uint");
  facts[3] = pair("key", "bytes");
  check(tactful_rules_compile(conditions, 3, facts, 4, &rules, NULL) == TACTFUL_OK, "rules compile");
  check(tactful_rules_count(rules) == 3 && tactful_rules_find(rules, tactful_text_of("vip")) == 1, "rules are found");
  check(tactful_rules_find(rules, tactful_text_of("pip")) == TACTFUL_NO_NUMBER, "no such rule");
  check(!tactful_rules_warning(rules, 0, &warning), "no warning");
  age = tactful_rules_fact(rules, tactful_text_of("customer.age"));
  check(tactful_row_new(rules, &row, NULL) == TACTFUL_OK, "a row");
  check(tactful_row_matches(row, &matches, &count, NULL) == TACTFUL_OK && count == 0, "nothing is known");
  check(tactful_row_value(row, 0) == TACTFUL_TRUTH_UNKNOWN, "unknown");
  check(tactful_row_set(row, age, tactful_value_int(42), NULL) == TACTFUL_OK, "set an age");
  check(tactful_row_matches(row, &matches, &count, NULL) == TACTFUL_OK && count == 1 && matches[0] == 0, "adult");
  check(tactful_row_set(row, tactful_rules_fact(rules, tactful_text_of("customer.tags")),
                        tactful_value_json(tactful_text_of("[\"new\", \"vip\"]")), NULL) == TACTFUL_OK,
        "set a list");
  check(tactful_row_set(row, 2, tactful_value_uint(5), NULL) == TACTFUL_OK, "set a uint");
  {
    tactful_text bytes;
    bytes.data = "a\0b";
    bytes.len = 3;
    check(tactful_row_set(row, 3, tactful_value_bytes(bytes), NULL) == TACTFUL_OK, "set bytes");
  }
  check(tactful_row_matches(row, &matches, &count, NULL) == TACTFUL_OK && count == 3, "all three");
  check(strcmp(tactful_rules_name(rules, matches[1]).data, "vip") == 0, "the name");
  {
    tactful_status status = tactful_row_set(row, age, tactful_value_text(tactful_text_of("old")), &error);
    refused(status, TACTFUL_INVALID_FACTS, error, "wrong_type", "customer.age");
  }
  check(tactful_row_value(row, 0) == TACTFUL_TRUTH_UNKNOWN, "what does not fit is unknown");
  tactful_rules_free(rules);
  check(tactful_row_read_json(row, tactful_text_of("{\"customer\": {\"age\": 17}, \"more\": 1}"), NULL) == TACTFUL_OK, "JSON");
  check(tactful_row_value(row, 0) == TACTFUL_TRUTH_FALSE, "false, though the rules are freed");
  check(tactful_row_set_now(row, 0, NULL) == TACTFUL_OK, "an instant");
  tactful_row_clear(row);
  check(tactful_row_value(row, 0) == TACTFUL_TRUTH_UNKNOWN && tactful_row_value(row, 7) == 0, "cleared");
  tactful_row_free(row);

  conditions[1] = pair("wrong", "customer.aeg > 1");
  error = NULL;
  rules = NULL;
  {
    tactful_status status = tactful_rules_compile(conditions, 2, facts, 4, &rules, &error);
    check(rules == NULL && tactful_error_diagnostic_count(error) == 1, "one mistake");
    refused(status, TACTFUL_INVALID_EXPRESSION, error, "unknown_name", "wrong");
  }
  check(tactful_rules_compile(conditions, 1, facts, 4, &rules, NULL) == TACTFUL_OK, "one rule");
  check(tactful_rules_explain(rules, tactful_text_of("adult"), tactful_text_of("{\"customer.age\": 17}"), TACTFUL_NO_TIME, &answer,
                              NULL) == TACTFUL_OK,
        "explained");
  check(strstr(tactful_answer_to_json(answer).data, "`customer.age >= 18` is false: `customer.age` is 17") != NULL, "why");
  tactful_answer_free(answer);
  error = NULL;
  {
    tactful_status status = tactful_rules_explain(rules, tactful_text_of("other"), tactful_text_of("{}"), TACTFUL_NO_TIME, &answer, &error);
    refused(status, TACTFUL_INVALID_ARGUMENT, error, "no_such_rule", "name");
  }
  tactful_rules_free(rules);
}

static void value(const char *text, const char *type, const char *facts, const char *expected) {
  tactful_pair declared = pair("x", type);
  tactful_expression *expression = NULL;
  tactful_answer *answer = NULL;
  tactful_error *error = NULL;
  if (tactful_expression_compile(tactful_text_of(text), &declared, type ? 1 : 0, &expression, &error) != TACTFUL_OK ||
      tactful_expression_evaluate(expression, tactful_text_of(facts), TACTFUL_NO_TIME, &answer, &error) != TACTFUL_OK) {
    failures++;
    fprintf(stderr, "%s: %s\n", text, tactful_error_rendered(error).data);
  } else if (strcmp(tactful_answer_to_json(answer).data, expected) != 0) {
    failures++;
    fprintf(stderr, "%s: %s, not %s\n", text, tactful_answer_to_json(answer).data, expected);
  }
  tactful_error_free(error);
  tactful_answer_free(answer);
  tactful_expression_free(expression);
}

static void expressions(void) {
  tactful_expression *expression = NULL;
  tactful_answer *answer = NULL;
  tactful_error *error = NULL;
  tactful_status status;
  value("1 + 2", NULL, "{}", "{\"kind\":\"int\",\"outcome\":\"value\",\"value\":3}");
  value("x + 1u", "uint", "{\"x\": 4}", "{\"kind\":\"uint\",\"outcome\":\"value\",\"value\":5}");
  value("b'ab'", NULL, "{}", "{\"kind\":\"bytes\",\"outcome\":\"value\",\"value\":\"6162\"}");
  value("type(1)", NULL, "{}", "{\"kind\":\"type\",\"outcome\":\"value\",\"value\":\"int\"}");
  value("duration('90m')", NULL, "{}", "{\"kind\":\"duration\",\"outcome\":\"value\",\"value\":\"1h30m\"}");
  value("x", "timestamp", "{\"x\": \"2026-03-01T10:00:00Z\"}",
        "{\"kind\":\"timestamp\",\"outcome\":\"value\",\"value\":\"2026-03-01T10:00:00Z\"}");
  value("{'a': 1}.?a", NULL, "{}",
        "{\"kind\":\"optional\",\"outcome\":\"value\",\"value\":{\"kind\":\"int\",\"value\":1}}");
  value("{'a': 1}[?'b']", NULL, "{}", "{\"kind\":\"optional\",\"outcome\":\"value\",\"value\":null}");
  value("x.a.b", "map(string, map(string, list(int)))", "{\"x\": {\"a\": {\"b\": [1, 2]}}}",
        "{\"kind\":\"list\",\"outcome\":\"value\",\"value\":[1,2]}");
  value("x > 1", "int", "{}", "{\"missing\":[\"x\"],\"outcome\":\"unknown\"}");
  value("1 / x", "int", "{\"x\": 0}", "{\"code\":\"division_by_zero\",\"message\":\"division by zero\",\"outcome\":\"error\"}");

  status = tactful_expression_compile(tactful_text_of("1 +"), NULL, 0, &expression, &error);
  check(status == TACTFUL_INVALID_EXPRESSION && tactful_error_diagnostic_count(error) == 1, "what does not compile");
  tactful_error_free(error);
  check(tactful_expression_compile(tactful_text_of("now > timestamp(0)"), NULL, 0, &expression, NULL) == TACTFUL_OK, "reads now");
  error = NULL;
  status = tactful_expression_evaluate(expression, tactful_text_of("{}"), TACTFUL_NO_TIME, &answer, &error);
  refused(status, TACTFUL_INVALID_ARGUMENT, error, "missing_now", "now_micros");
  error = NULL;
  status = tactful_expression_evaluate(expression, tactful_text_of("[]"), 1, &answer, &error);
  refused(status, TACTFUL_INVALID_FACTS, error, "bad_json", "facts");
  check(tactful_expression_evaluate(expression, tactful_text_of("{}"), 1, &answer, NULL) == TACTFUL_OK, "evaluates");
  check(strstr(tactful_answer_to_json(answer).data, "true") != NULL, "is true");
  tactful_answer_free(answer);
  tactful_expression_free(expression);
  tactful_expression_free(NULL);
  tactful_rules_free(NULL);
  tactful_row_free(NULL);
  tactful_row_clear(NULL);
}

int main(void) {
  rules();
  expressions();
  printf("%d checks\n", checks);
  return failures ? 1 : 0;
}
