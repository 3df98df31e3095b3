// Expressions and rule sets on their own, in C++.
#include <iostream>
#include <string>
#include <tactful.hpp>

static int checks = 0;
static int failures = 0;

static void check(bool holds, const char *what) {
  ++checks;
  if (holds) return;
  ++failures;
  std::cerr << "does not hold: " << what << "\n";
}

int main() {
  const tactful::pairs facts = {{"customer.age", "int"}, {"customer.tags", "list(string)"}};
  const tactful::rule_set rules({{"adult", "customer.age >= 18"}, {"vip", "'vip' in customer.tags"}}, facts);
  tactful::row row(rules);
  row.set(rules.fact("customer.age"), 42).set(rules.fact("customer.tags"), tactful::value::json("[\"vip\"]"));
  check(row.matches() == std::vector<std::uint32_t>({0, 1}), "both");
  row.read_json("{\"customer\": {\"age\": 42}}");
  check(row.matches().size() == 1 && rules.name(row.matches()[0]) == "adult", "one");
  check(row.value_of(rules.find("vip")) == TACTFUL_TRUTH_UNKNOWN, "unknown");
  check(rules.explain("adult", "{\"customer.age\": 17}").find("is 17") != std::string::npos, "why");
  check(rules.warnings().empty() && rules.size() == 2, "no warnings");
  const tactful::expression sum("a + b");
  check(sum.evaluate("{\"a\": 1, \"b\": 2}") == "{\"kind\":\"int\",\"outcome\":\"value\",\"value\":3}", "a sum");
  try {
    tactful::rule_set({{"wrong", "customer.aeg > 1"}}, facts);
    check(false, "it compiles");
  } catch (const tactful::error &error) {
    check(error.status() == TACTFUL_INVALID_EXPRESSION && error.diagnostics().size() == 1, "one mistake");
  }
  std::cout << checks << " checks\n";
  return failures == 0 ? 0 : 1;
}
