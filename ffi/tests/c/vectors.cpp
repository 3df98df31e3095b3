// Runs a file of tests/vectors through tactful.hpp: vectors FILE. Prints how many cases and checks held.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <list>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tactful.hpp>
#include <vector>

namespace {

using nlohmann::json;

std::string where;
int failures = 0;
int checks = 0;

template <typename T> void check(const char *what, const T &found, const T &expected) {
  ++checks;
  if (found == expected) return;
  ++failures;
  std::cerr << where << ": " << what << "\n     found " << found << "\n  expected " << expected << "\n";
}

// RFC 3339, with up to six digits of seconds. Days by Howard Hinnant's algorithm.
std::int64_t time_of(const json &written) {
  const std::string text = written.get<std::string>();
  int year, month, day, hour, minute, second, used = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second, &used) != 6) {
    throw std::runtime_error("no time: " + text);
  }
  std::string rest = text.substr(static_cast<std::size_t>(used));
  std::int64_t micros = 0;
  if (rest[0] == '.') {
    std::string digits = rest.substr(1, rest.find_first_not_of("0123456789", 1) - 1);
    rest.erase(0, digits.size() + 1);
    digits.resize(6, '0');
    micros = std::stoll(digits);
  }
  int ahead_hours = 0, ahead_minutes = 0;
  if (rest != "Z" && std::sscanf(rest.c_str() + 1, "%2d:%2d", &ahead_hours, &ahead_minutes) != 2) {
    throw std::runtime_error("no zone: " + text);
  }
  const std::int64_t ahead = (ahead_hours * 60 + ahead_minutes) * (rest[0] == '-' ? -1 : 1);
  if (month <= 2) --year;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  std::int64_t days = year - era * 400;
  days = days * 365 + days / 4 - days / 100 + (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  days += era * 146097 - 719468;
  return ((days * 24 + hour) * 60 + minute - ahead) * INT64_C(60000000) + second * INT64_C(1000000) + micros;
}

json text_or_null(const tactful::text_view &text) { return text ? json(text.str()) : json(nullptr); }

json found_error(const tactful::error &error) { return {{"code", error.code()}, {"path", error.path()}}; }

void check_effects(const tactful::effects &effects, const json &expected) {
  static const char *const kinds[] = {"?", "happened", "corrected", "withdrawn"};
  static const char *const names[] = {"?", "segment_entered", "segment_left", "stage_changed",
                                      "merged", "parted", "link_refused", "context_changed",
                                      "journey_full", "journey_migrated",
                                      "related", "unrelated", "relation_refused",
                                      "reaction_due", "response_overdue"};
  check("number of effects", effects.size(), expected.size());
  for (std::size_t i = 0; i < effects.size() && i < expected.size(); ++i) {
    const tactful::effect effect = effects[i];
    json found = {{"kind", kinds[effect.kind]}, {"effect", names[effect.what]}};
    const bool watched = effect.what == TACTFUL_EFFECT_CONTEXT_CHANGED;
    if (effect.instance) found["instance"] = effect.instance.str();
    const bool reacts = effect.what == TACTFUL_EFFECT_REACTION_DUE;
    const bool full = effect.what == TACTFUL_EFFECT_JOURNEY_FULL;
    if (effect.how) found[reacts ? "reason" : full ? "cap" : "how"] = effect.how.str();
    if (reacts || effect.what == TACTFUL_EFFECT_RESPONSE_OVERDUE) {
      found[reacts ? "reaction" : "feedback"] = effect.name.str();
      if (reacts) found["priority"] = effect.priority;
      if (effect.from) found["placement"] = effect.from.str();
      if (effect.to) found["channel"] = effect.to.str();
      check("since", effect.since, time_of(expected[i]["since"]));
      check("not_after", effect.not_after,
            expected[i].count("not_after") ? time_of(expected[i]["not_after"]) : TACTFUL_NO_TIME);
    } else if (effect.what == TACTFUL_EFFECT_JOURNEY_FULL) {
      found["journey"] = effect.name.str();
    } else if (effect.what == TACTFUL_EFFECT_STAGE_CHANGED || effect.what == TACTFUL_EFFECT_JOURNEY_MIGRATED || watched) {
      found[watched ? "watch" : "journey"] = effect.name.str();
      found["from"] = text_or_null(effect.from);
      found["to"] = text_or_null(effect.to);
    } else if (effect.what >= TACTFUL_EFFECT_RELATED && effect.what <= TACTFUL_EFFECT_RELATION_REFUSED) {
      found["relation"] = effect.name.str();
      found["identifier"] = effect.from.str();
      found["other"] = effect.to.str();
      // The role and the limit are told by the question `relations`.
      for (const char *key : {"role", "limit"}) {
        if (expected[i].count(key)) found[key] = expected[i][key];
      }
    } else if (effect.what >= TACTFUL_EFFECT_MERGED) {
      found["identifier"] = effect.from.str();
      found["other"] = text_or_null(effect.to);
      if (effect.name) found["reason"] = effect.name.str();
    } else {
      found["segment"] = effect.name.str();
    }
    if (effect.customer) found["customer"] = effect.customer.str();
    json rest = expected[i];
    check("at", effect.at, time_of(rest["at"]));
    rest.erase("at");
    rest.erase("since");
    rest.erase("not_after");
    check("effect", found, rest);
  }
}

void run_record(tactful::base &base, const json &step) {
  static const char *const arrivals[] = {"none", "new", "duplicate", "conflict_kept_old", "conflict_kept_new"};
  try {
    const tactful::effects effects = base.record(tactful::event::from_json(step["record"].dump()));
    check("error", json(nullptr), step.value("error", json(nullptr)));
    if (step.count("arrival")) check("arrival", std::string(arrivals[effects.arrival()]), step["arrival"].get<std::string>());
    if (step.count("effects")) check_effects(effects, step["effects"]);
  } catch (const tactful::error &error) {
    check("error", found_error(error), step.value("error", json(nullptr)));
  }
}

// Trends and snapshots of a case, by the names that its steps give them.
struct counted {
  std::map<std::string, tactful::trends> trends;
  std::map<std::string, tactful::trend_snapshot> snapshots;
};

tactful::request request_of(const json &asked, const counted &all) {
  tactful::request request;
  for (const json &name : asked["placements"]) request.placement(name.get<std::string>());
  const json facts = asked.value("facts", json::object());
  for (json::const_iterator fact = facts.begin(); fact != facts.end(); ++fact) {
    if (fact->is_boolean()) {
      request.set(fact.key(), fact->get<bool>());
    } else if (fact->is_number_integer()) {
      request.set(fact.key(), static_cast<long long>(fact->get<std::int64_t>()));
    } else if (fact->is_number()) {
      request.set(fact.key(), fact->get<double>());
    } else {
      request.set(fact.key(), fact->get<std::string>());
    }
  }
  const json scores = asked.value("scores", json::object());
  for (json::const_iterator column = scores.begin(); column != scores.end(); ++column) {
    for (json::const_iterator number = column->begin(); number != column->end(); ++number) {
      request.score(column.key(), number.key(), number->get<double>());
    }
  }
  request.seed(asked.value("seed", std::uint64_t(0)));
  if (asked.count("reaction")) request.reacting(asked["reaction"].get<std::string>());
  if (asked.count("trends")) request.trends(all.snapshots.at(asked["trends"].get<std::string>()));
  const std::string assurance = asked.value("assurance", std::string("recognised"));
  request.assurance(assurance == "anonymous"    ? TACTFUL_ASSURANCE_ANONYMOUS
                    : assurance == "recognised" ? TACTFUL_ASSURANCE_RECOGNISED
                                                : TACTFUL_ASSURANCE_AUTHENTICATED);
  return request;
}

void run_question(const tactful::base &base, const counted &all, const json &step) {
  const bool explained = step.count("explain") != 0;
  const json &asked = explained ? step.at("explain") : step.at("decide");
  const tactful::request request = request_of(asked, all);
  const std::string identifier = asked["identifier"].get<std::string>();
  const std::int64_t now = time_of(asked["now"]);
  const std::int64_t known_at = asked.count("known_at") ? time_of(asked["known_at"]) : tactful::no_time;
  try {
    const std::string decided = base.decide(identifier, request, now, known_at).json().str();
    check("error", json(nullptr), step.value("error", json(nullptr)));
    if (step.count("decision")) check("decision", decided, step["decision"].get<std::string>());
    if (explained) {
      const json explanation = json::parse(base.explain(identifier, request, now, known_at).json().str());
      if (step.count("trace")) check("trace", explanation["trace"], step["trace"]);
    }
  } catch (const tactful::error &error) {
    check("error", found_error(error), step.value("error", json(nullptr)));
  }
}

// Ids of decisions, by the names that steps give them.
typedef std::map<std::string, std::string> held_decisions;

void run_reserve(tactful::base &base, const counted &all, held_decisions &held, const json &step) {
  const json &asked = step["reserve"];
  std::int64_t length = tactful::no_time, expires = 0;
  if (asked.count("reserve_for")) {
    const std::string text = asked["reserve_for"].get<std::string>();
    length = std::stoll(text) * INT64_C(60000000) * (text.find('h') != std::string::npos ? 60 : 1);
  }
  try {
    const tactful::decision made =
        base.reserve(asked["identifier"].get<std::string>(), request_of(asked, all), time_of(asked["now"]), length, &expires);
    check("error", json(nullptr), step.value("error", json(nullptr)));
    if (step.count("decision")) check("decision", made.json().str(), step["decision"].get<std::string>());
    if (step.count("expires")) check("expires", expires, time_of(step["expires"]));
    held[asked.value("as", std::string())] = made.id().str();
  } catch (const tactful::error &error) {
    check("error", found_error(error), step.value("error", json(nullptr)));
  }
}

// What is told of a decision: confirm, release or feedback.
void run_tell(tactful::base &base, const held_decisions &held, const json &step, const std::string &kind) {
  const json &asked = step[kind];
  const std::string identifier = asked["identifier"].get<std::string>();
  const std::string named = asked["decision"].get<std::string>();
  const std::string decision = held.count(named) ? held.at(named) : named;
  const std::string outcome = asked.value("outcome", std::string("shown"));
  const std::string chosen = asked.value("offer", std::string());
  const tactful::text_view offer = asked.count("offer") ? tactful::text_view(chosen) : tactful::text_view();
  const std::int64_t now = time_of(asked["now"]);
  try {
    if (kind == "confirm") {
      base.confirm(identifier, decision, outcome, now, offer);
    } else if (kind == "release") {
      base.release(identifier, decision, now, offer);
    } else {
      base.feedback(identifier, decision, outcome, now, offer);
    }
    check("error", json(nullptr), step.value("error", json(nullptr)));
  } catch (const tactful::error &error) {
    check("error", found_error(error), step.value("error", json(nullptr)));
  }
}

void run_query(const tactful::base &base, const json &step) {
  try {
    const json answer = json::parse(base.query(step["query"].dump()));
    check("error", json(nullptr), step.value("error", json(nullptr)));
    if (step.count("answer")) check("answer", answer, step["answer"]);
  } catch (const tactful::error &error) {
    check("error", found_error(error), step.value("error", json(nullptr)));
  }
}

void run_erase(tactful::base &base, const json &step) {
  const json &asked = step["erase"];
  const bool one = asked.value("scope", std::string("person")) == "identifier";
  try {
    const std::string receipt =
        base.erase(asked["identifier"].get<std::string>(), time_of(asked["at"]), asked["key"].get<std::string>(),
                   one ? TACTFUL_ERASE_IDENTIFIER : TACTFUL_ERASE_PERSON);
    check("error", json(nullptr), step.value("error", json(nullptr)));
    if (step.count("receipt")) check("receipt", json::parse(receipt), step["receipt"]);
  } catch (const tactful::error &error) {
    check("error", found_error(error), step.value("error", json(nullptr)));
  }
}

json read_trend(const tactful::trend_snapshot &snapshot, const json &asked) {
  const std::int64_t now = time_of(asked["now"]);
  if (!asked.count("read")) return json::parse(snapshot.cells(asked["cells"].get<std::string>(), now))["cells"];
  std::vector<std::pair<std::string, std::string>> values;
  const json wanted = asked.value("values", json::object());
  for (json::const_iterator value = wanted.begin(); value != wanted.end(); ++value) {
    values.push_back(std::make_pair(value.key(), value->get<std::string>()));
  }
  const tactful_count found = snapshot.read(asked["read"].get<std::string>(), now, values);
  if (found.customers == 0) return nullptr;
  return {{"count", found.count},
          {"sum", found.sum == found.sum ? json(found.sum) : json(nullptr)},
          {"customers", found.customers}};
}

json count(counted &all, const tactful::base &base, const tactful::engine &engine, const json &asked) {
  if (asked.count("in")) return read_trend(all.snapshots.at(asked["in"].get<std::string>()), asked);
  const std::string name = asked["of"].get<std::string>();
  if (!all.trends.count(name)) all.trends.insert(std::make_pair(name, tactful::trends(engine)));
  tactful::trends &own = all.trends.at(name);
  json told;
  if (asked.count("observe")) {
    own.observe(base, asked["observe"].get<std::string>());
    told = own.size();
  } else if (asked.count("hear")) {
    own.hear(tactful::event::from_json(asked["hear"].dump()));
    told = own.size();
  } else if (asked.count("forget")) {
    told = own.forget(asked["forget"].get<std::string>());
  } else if (asked.count("merge")) {
    own.merge(all.trends.at(asked["merge"].get<std::string>()));
    told = own.size();
  } else {
    const std::int64_t at = time_of(asked["at"]);
    tactful::trend_snapshot made =
        asked.count("before") ? own.snapshot(at, all.snapshots.at(asked["before"].get<std::string>())) : own.snapshot(at);
    told = made.digest().str();
    all.snapshots.erase(asked["snapshot"].get<std::string>());
    all.snapshots.insert(std::make_pair(asked["snapshot"].get<std::string>(),
                                        tactful::trend_snapshot::from_bytes(engine, made.to_bytes())));
  }
  own = tactful::trends::from_bytes(engine, own.to_bytes());
  return told;
}

void run_trends(counted &all, const tactful::base &base, const tactful::engine &engine, const json &step) {
  try {
    check("answer", count(all, base, engine, step["trends"]), step.value("answer", json(nullptr)));
  } catch (const tactful::error &error) {
    check("error", found_error(error), step.value("error", json(nullptr)));
  }
}

// The engine with trends or a table of items.
void run_use(std::list<tactful::engine> &used, counted &all, const tactful::engine &engine, const json &step) {
  const json &asked = step["use"];
  try {
    if (asked.count("trends")) {
      used.push_back(engine.with_trends(all.snapshots.at(asked["trends"].get<std::string>())));
    } else {
      std::string bad;
      used.push_back(engine.with_catalog(asked["catalog"].get<std::string>(), &bad));
      if (step.count("bad")) check("bad", json::parse(bad), step["bad"]);
    }
  } catch (const tactful::error &error) {
    check("error", found_error(error), step.value("error", json(nullptr)));
  }
}

tactful::engine engine_of(const json &lines) {
  std::string playbook;
  for (const json &line : lines) playbook += line.get<std::string>() + "\n";
  return tactful::engine("playbook.yaml", playbook);
}

void run(const char *path) {
  std::ifstream stream(path);
  const json file = json::parse(stream);
  const tactful::engine first = engine_of(file["playbook"]);
  std::map<std::string, tactful::engine> versions;
  const json others = file.value("versions", json::object());
  for (json::const_iterator other = others.begin(); other != others.end(); ++other) {
    versions.insert(std::make_pair(other.key(), engine_of(*other)));
  }
  for (const json &one : file["cases"]) {
    const tactful::engine *engine = &first;
    tactful::base base(first);
    counted all;
    std::list<tactful::engine> used;
    held_decisions held;
    int number = 0;
    std::string key;
    for (const json &step : one["steps"]) {
      where = std::string(path) + ": " + one["case"].get<std::string>() + ": step " + std::to_string(number++);
      if (step.count("reload")) {
        engine = &versions.at(step["reload"]["version"].get<std::string>());
      } else if (step.count("record")) {
        run_record(base, step);
      } else if (step.count("trends")) {
        run_trends(all, base, *engine, step);
      } else if (step.count("fold")) {
        std::uint64_t folded = 0;
        const tactful::effects caused = base.fold(time_of(step["fold"]["horizon"]), folded);
        check("folded", folded, step["folded"].get<std::uint64_t>());
        if (step.count("effects")) check_effects(caused, step["effects"]);
      } else if (step.count("advance")) {
        check_effects(base.advance(time_of(step["advance"]["now"])), step["effects"]);
        check("next_due", base.next_due(), step["next_due"].is_null() ? tactful::no_time : time_of(step["next_due"]));
      } else if (step.count("use")) {
        run_use(used, all, *engine, step);
        if (!used.empty()) engine = &used.back();
      } else if (step.count("learn")) {
        base.learn(time_of(step["learn"]["at"]));
      } else if (step.count("query")) {
        run_query(base, step);
      } else if (step.count("erase")) {
        run_erase(base, step);
      } else if (step.count("reserve")) {
        run_reserve(base, all, held, step);
      } else if (step.count("confirm")) {
        run_tell(base, held, step, "confirm");
      } else if (step.count("release")) {
        run_tell(base, held, step, "release");
      } else if (step.count("feedback")) {
        run_tell(base, held, step, "feedback");
      } else {
        run_question(base, all, step);
      }
      // State goes round as bytes after every step, under another version of the playbook when a step says so.
      const std::vector<std::uint8_t> bytes = base.to_bytes();
      base = tactful::base::from_bytes(*engine, bytes);
      // Bytes hold no key.
      if (step.count("erase") && !step.count("error")) key = step["erase"]["key"].get<std::string>();
      if (!key.empty()) base.unlock(key);
      if (!step.count("reload")) check("bytes", base.to_bytes() == bytes, true);
    }
  }
  std::cout << file["cases"].size() << " cases, " << checks << " checks\n";
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  try {
    run(argv[1]);
  } catch (const std::exception &problem) {
    std::cerr << where << ": " << problem.what() << "\n";
    return 1;
  }
  return failures == 0 ? 0 : 1;
}
