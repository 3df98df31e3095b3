// What tactful.hpp promises beyond the C interface: ownership, exceptions, text.
#include <iostream>
#include <sstream>
#include <string>
#include <tactful.hpp>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "shop.h"

static int checks = 0;
static int failures = 0;

#define HOLDS(condition)                                                                                               \
  do {                                                                                                                 \
    ++checks;                                                                                                          \
    if (!(condition)) {                                                                                                \
      ++failures;                                                                                                      \
      std::cerr << "line " << __LINE__ << ": " << #condition << "\n";                                                  \
    }                                                                                                                  \
  } while (0)

template <typename T> void owns() {
  static_assert(!std::is_copy_constructible<T>::value && !std::is_copy_assignable<T>::value, "handles are not copied");
  static_assert(std::is_nothrow_move_constructible<T>::value, "handles are moved");
  static_assert(std::is_nothrow_move_assignable<T>::value, "handles are moved");
}

static void ownership(const tactful::engine &engine) {
  owns<tactful::engine>();
  owns<tactful::customer>();
  owns<tactful::event>();
  owns<tactful::effects>();
  owns<tactful::request>();
  owns<tactful::decision>();
  owns<tactful::base>();
  owns<tactful::tombstones>();
  owns<tactful::replay>();
  static_assert(std::is_nothrow_copy_constructible<tactful::error>::value, "exceptions are copied");

  tactful::customer ada(engine, "customer:ada");
  tactful::customer other(engine, "customer:other");
  other = std::move(ada);
  HOLDS(other.id() == "customer:ada");
  tactful::customer last(std::move(other));
  HOLDS(last.id() == "customer:ada" && last.id() != "customer:other");
}

static void errors(const tactful::engine &engine) {
  try {
    tactful::engine broken("broken.yaml", "playbook: x\nversion: 1\nspare: 1\nidentity: {customer: {}}\n");
    HOLDS(!"it compiles");
  } catch (const tactful::error &error) {
    const tactful::error copy = error;
    HOLDS(copy.status() == TACTFUL_INVALID_PLAYBOOK && !copy.diagnostics().empty());
    HOLDS(copy.diagnostics()[0].line == 3 && copy.diagnostics()[0].document == "broken.yaml");
    HOLDS(copy.code() == "unknown_key" && !copy.diagnostics()[0].warning && copy.row() == -1);
    HOLDS(std::string(copy.what()).find("broken.yaml:3:1") != std::string::npos);
  }
  try {
    tactful::customer ada(engine, "customer:ada");
    engine.record(ada, tactful::event("purchase", MARCH, "customer:ada").set("amont", tactful::value::decimal("1.00")));
    HOLDS(!"it is recorded");
  } catch (const tactful::error &error) {
    HOLDS(error.status() == TACTFUL_INVALID_EVENT && error.code() == "undeclared_property");
    HOLDS(error.path() == "properties.amont" && error.message().find("`amount`") != std::string::npos);
  }
  try {
    tactful::event(nullptr, MARCH, "customer:ada").known_at(tactful::no_time);
    HOLDS(!"it has no time");
  } catch (const std::runtime_error &error) {
    HOLDS(std::string(error.what()).find("time_out_of_range") != std::string::npos);
  }
}

static void texts() {
  tactful::text_view none;
  HOLDS(!none && none.empty() && none.str().empty() && none == "");
  HOLDS(!tactful::text_view(tactful_text()) && tactful::text_view(""));
  const std::string with_nul("a\0b", 3);
  HOLDS(tactful::text_view(with_nul).size() == 3 && tactful::text_view(with_nul) != "a");
  std::ostringstream out;
  out << tactful::text_view("abc") << std::string(tactful::text_view("de").begin(), tactful::text_view("de").end() - 2).size();
  HOLDS(out.str() == "abc0");
}

static void story(const tactful::engine &engine) {
  tactful::customer ada(engine, "customer:ada");
  tactful::event event("purchase", MARCH, "customer:ada");
  event.set("amount", 12.5).set("pieces", 2).set("gift", true).set("sku", std::string("A")).set("sku", tactful::value::none());
  event.set("due", tactful::value::time(MARCH + DAY)).id("1").sequence(3).known_at(MARCH).channel("web").source("till");
  const tactful::effects effects = engine.record(ada, event.identifier("visit:1"));
  HOLDS(effects.arrival() == TACTFUL_ARRIVAL_NEW && effects.size() == 2);
  HOLDS(effects[0].name == "buyer" && effects[0].cause == "1" && !effects[0].from && effects[0].at == MARCH);
  HOLDS(effects[1].what == TACTFUL_EFFECT_STAGE_CHANGED && !effects[1].from && effects[1].to == "fresh");
  try {
    effects[2];
    HOLDS(!"there is a third");
  } catch (const std::out_of_range &) {
    ++checks;
  }
  HOLDS(engine.next_due(ada) == MARCH + 30 * DAY && ada.size() == 1);
  const tactful::effects left = engine.advance(ada, MARCH + 31 * DAY);
  HOLDS(left.size() == 1 && left[0].what == TACTFUL_EFFECT_SEGMENT_LEFT && left[0].at == MARCH + 30 * DAY && !left[0].cause);

  tactful::request request({"home", "banner"});
  request.set("items", 3);
  const tactful::decision decision = engine.explain(ada, request, MARCH + DAY);
  HOLDS(decision.placements().size() == 2 && decision.placements()[0].offers.size() == 2);
  HOLDS(decision.placements()[1].kind == TACTFUL_ANSWER_SILENCE && !decision.placements()[1].fallback);
  HOLDS(decision.candidates().size() == 4 && decision.candidates()[3].gate == TACTFUL_GATE_OUTRANKED);
  HOLDS(decision.candidates()[3].reasons.size() == 1 && decision.trace() && decision.now() == MARCH + DAY);
  HOLDS(engine.decide(ada, request, MARCH + DAY, MARCH - 1).placements()[0].kind != TACTFUL_ANSWER_SILENCE);
  HOLDS(engine.record_outcome(ada, decision, "shown", MARCH + 2 * DAY).arrival() == TACTFUL_ARRIVAL_NEW && ada.size() == 3);
  HOLDS(engine.record_outcome(ada, decision, "shown", MARCH + 2 * DAY).arrival() == TACTFUL_ARRIVAL_DUPLICATE);
  HOLDS(engine.digest().size() == 64 && engine.warnings().empty());

  tactful::replay_options options;
  options.decide_at.push_back(MARCH + DAY);
  options.placements.push_back("home");
  options.roles.push_back({"type", "what"});
  options.outcome = "shown";
  options.report_bad_rows = true;
  tactful::replay replay(engine, options);
  const char *const types[] = {"purchase", "sale"};
  const char *const customers[] = {"ada", "ben"};
  const std::int64_t times[] = {MARCH, MARCH};
  const auto column = [](const char *name, std::int32_t kind, const void *values) {
    tactful_column made = tactful_column();
    made.name = tactful::text_view(name).c();
    made.kind = kind;
    made.values = values;
    return made;
  };
  replay.add({column("what", TACTFUL_COLUMN_STRINGS, types), column("customer", TACTFUL_COLUMN_STRINGS, customers),
              column("time", TACTFUL_COLUMN_TIME, times), column("spare", TACTFUL_COLUMN_TIME, times)},
             2);
  replay.run();
  HOLDS(replay.compare(replay).find("\"changed\":0,") != std::string::npos);
  HOLDS(replay.stats().events == 1 && replay.stats().bad_rows == 1 && replay.stats().decisions == 1);
  HOLDS(replay.ignored_columns() == std::vector<std::string>(1, "spare"));
  ArrowArrayStream stream;
  replay.table("bad_rows", &stream);
  tactful::replay second(engine);
  try {
    second.add(&stream);
    HOLDS(!"bad rows are events");
  } catch (const tactful::error &error) {
    HOLDS(error.status() == TACTFUL_INVALID_DATA && stream.release == nullptr);
  }
}

// State goes round as bytes; what is wrong with them is an error.
static void states(const tactful::engine &engine) {
  tactful::base base(engine);
  base.record(tactful::event("purchase", MARCH, "customer:ada").set("amount", tactful::value::decimal("1.00")));
  base.record(tactful::event("purchase", MARCH, "customer:ben"));
  const std::vector<std::uint8_t> whole = base.to_bytes();
  HOLDS(tactful::base::from_bytes(engine, whole).to_bytes() == whole);
  HOLDS(tactful::base::from_bytes(engine, whole).size() == 2);
  tactful::customer ada(engine, "customer:ada");
  engine.record(ada, tactful::event("purchase", MARCH, "customer:ada").set("amount", tactful::value::decimal("1.00")));
  std::vector<std::uint8_t> bytes = ada.to_bytes();
  tactful::customer again = tactful::customer::from_bytes(engine, bytes);
  HOLDS(again.to_bytes() == bytes && again.size() == 1 && again.id().str() == "customer:ada");
  const tactful::request request({"home"});
  HOLDS(engine.decide(again, request, MARCH + DAY).json().str() == engine.decide(ada, request, MARCH + DAY).json().str());
  HOLDS(engine.decide_among(again, {}, request, MARCH + DAY).json().str() == engine.decide(ada, request, MARCH + DAY).json().str());
  HOLDS(engine.explain_among(again, {&ada}, request, MARCH + DAY).trace());
  const std::pair<std::size_t, const char *> wrongs[] = {{4, "not_state"}, {6, "newer_format"}, {20, "damaged"}};
  for (const auto &wrong : wrongs) {
    std::vector<std::uint8_t> changed = bytes;
    changed[wrong.first] = 9;
    try {
      tactful::customer::from_bytes(engine, changed);
      HOLDS(!"changed bytes are a customer");
    } catch (const tactful::error &error) {
      HOLDS(error.status() == TACTFUL_INVALID_STATE && error.code() == wrong.second);
    }
  }
}

// What is only read is read by many threads at once: one engine, one base, one request, and one decision whose texts are written
// when they are first asked for.
static void threads(const tactful::engine &engine) {
  tactful::base base(engine);
  base.record(tactful::event("purchase", MARCH, "customer:ada").set("amount", tactful::value::decimal("1.00")));
  const tactful::request request({"home"});
  const tactful::decision shared = base.explain("customer:ada", request, MARCH + DAY);
  const std::string expected = base.decide("customer:ada", request, MARCH + DAY).json().str();
  std::vector<std::string> decisions(4), traces(4);
  std::vector<std::thread> running;
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    running.push_back(std::thread([&, i] {
      traces[i] = shared.trace().str() + shared.json().str();
      for (int again = 0; again < 5; ++again) decisions[i] = base.decide("customer:ada", request, MARCH + DAY).json().str();
      tactful::customer own(engine, "customer:own");
      engine.record(own, tactful::event("purchase", MARCH, "customer:own"));
    }));
  }
  for (std::thread &one : running) one.join();
  for (std::size_t i = 0; i < decisions.size(); ++i) HOLDS(decisions[i] == expected && traces[i] == traces[0]);
  HOLDS(!traces[0].empty());
}

/** Another table of items, newer trends, and a base that goes on with both. */
static void items() {
  const tactful::engine plain("tea.yaml", "{playbook: tea, version: 1, identity: {customer: {}}, events: {purchase: {sku: string}}, "
                                          "channels: {web: text}, placements: {home: {channel: web}}, "
                                          "catalog: {item: sku, bought: purchase, price: money(EUR), k: 2, categories: {tea: {replenish: 30d}}}, "
                                          "suggestions: {again: {how: due_again}, wanted: {how: popular}}, "
                                          "offers: {refill: {suggest: again, treatments: {web: {message: '{{ item.name }}'}}}}}");
  std::string bad;
  const tactful::engine stocked =
      plain.with_catalog("[{\"id\": \"green\", \"name\": \"Green tea\", \"category\": \"tea\", \"price\": 4.5}, {\"id\": \"cup\"}]", &bad);
  HOLDS(bad.find("missing_price") != std::string::npos);
  tactful::base base(plain);
  const std::int64_t day = INT64_C(86400000000), then = 20000 * day;
  for (const char *who : {"customer:a", "customer:b"}) {
    tactful::event bought("purchase", then, who);
    bought.set("sku", "green");
    base.record(bought);
  }
  tactful::request home{"home"};
  HOLDS(base.decide("customer:a", home, then + 30 * day).json().str().find("Green tea") == std::string::npos);
  base.set_engine(stocked);
  HOLDS(base.decide("customer:a", home, then + 30 * day).json().str().find("Green tea") != std::string::npos);
  tactful::trends counted(stocked);
  counted.observe(base);
  const tactful::engine knowing = stocked.with_trends(counted.snapshot(then + 8 * day));
  tactful::customer nobody(knowing, "customer:c");
  const std::string question = "{\"query\": \"suggest\", \"suggestion\": \"wanted\", \"now\": \"2030-01-01T00:00:00Z\"}";
  HOLDS(knowing.query(nobody, question).find("Green tea") != std::string::npos);
  HOLDS(stocked.query(nobody, question).find("Green tea") == std::string::npos);
  try {
    plain.with_catalog("[{");
    HOLDS(false);
  } catch (const tactful::error &wrong) {
    HOLDS(wrong.status() == TACTFUL_INVALID_QUERY && wrong.code() == "invalid_json");
  }
}

// What a base learned serves a customer whom the host keeps itself.
static void forecasts() {
  const tactful::engine engine(
      "ahead.yaml", "{playbook: ahead, version: 1, identity: {customer: {}}, events: {visit: {}, purchase: {}}, "
                    "journeys: {way: {predict: {k: 2}, stages: {curious: {on: visit}, owner: {on: purchase}}}}, "
                    "channels: {web: text}, placements: {home: {channel: web}}, offers: {nudge: {eligible: "
                    "'journey(\"way\").next(\"purchase\").within(\"14d\") > 0.4', treatments: {web: {message: hi}}}}}");
  const std::int64_t day = 86400000000LL;
  tactful::base base(engine);
  for (const char *who : {"customer:1", "customer:2", "customer:3"}) {
    base.record(tactful::event("visit", 1000 * day, who));
    base.record(tactful::event("purchase", 1001 * day, who));
  }
  base.learn(1010 * day);
  tactful::customer ada(engine, "customer:ada");
  engine.record(ada, tactful::event("visit", 1020 * day, "customer:ada"));
  const auto offered = [&](const tactful::request &asked) {
    return engine.decide(ada, asked, 1020 * day + 1).placements()[0].kind == TACTFUL_ANSWER_OFFERS;
  };
  tactful::request asked{"home"};
  HOLDS(!offered(asked));
  HOLDS(offered(asked.forecast(base)));

  // Elsewhere the forecast comes as bytes.
  std::vector<std::uint8_t> bytes = base.forecast_to_bytes();
  HOLDS(!bytes.empty() && tactful::base(engine).forecast_to_bytes().empty());
  HOLDS(!offered(asked.forecast(engine, std::vector<std::uint8_t>())));
  HOLDS(offered(asked.forecast(engine, bytes)));
  tactful::replay_options options;
  options.forecast = bytes;
  const tactful::replay replayed(engine, options);
  bytes[bytes.size() / 2] ^= 1;
  options.forecast = bytes;
  for (int way = 0; way < 2; ++way) {
    try {
      if (way == 0) asked.forecast(engine, bytes);
      else tactful::replay(engine, options);
      HOLDS(false);
    } catch (const tactful::error &wrong) {
      HOLDS(wrong.status() == TACTFUL_INVALID_STATE);
    }
  }
  HOLDS(offered(asked));
}

// What a customer may ask for whom the host keeps itself: everything known, a correction, to be forgotten.
static void rights() {
  const tactful::engine engine("rights.yaml", "{playbook: rights, version: 1, identity: {customer: {}, cookie: {anonymous: true}}, "
                                              "attributes: {city: string}, events: {visit: {}}}");
  tactful::customer ada(engine, "customer:ada");
  engine.record(ada, tactful::event("visit", MARCH, "cookie:1").id("v"));
  engine.record(ada, tactful::event("attribute_set", MARCH, "customer:ada").id("c").set("attribute", "city").set("value", "Bonn"));
  engine.record(ada, tactful::event("rectified", MARCH + DAY, "customer:ada").set("event", "c").set("reason", "moved"));
  const std::string all = engine.query(ada, "{\"query\": \"export\", \"now\": \"2026-03-05T00:00:00Z\"}");
  HOLDS(all.find("\"id\":\"v\"") != std::string::npos && all.find("\"reason\":\"moved\"") != std::string::npos);
  const std::string city = "{\"query\": \"attribute\", \"attribute\": \"city\", \"now\": \"2026-03-05T00:00:00Z\"}";
  HOLDS(engine.query(ada, city).find("Bonn") == std::string::npos);

  const char *const key = "a secret that only we keep";
  tactful::tombstones gone(key);
  const std::string receipt = engine.erase(ada, MARCH + 30 * DAY, gone);
  HOLDS(receipt.find("\"visit\":1") != std::string::npos && receipt.find("\"scope\":\"person\"") != std::string::npos);
  HOLDS(receipt.find("customer:") == std::string::npos && ada.size() == 0 && gone.size() == 2);
  const auto refused = [&](const tactful::tombstones &by, const tactful::event &told) {
    try {
      by.check(engine, told);
      return std::string();
    } catch (const tactful::error &error) {
      return error.code();
    }
  };
  HOLDS(refused(gone, tactful::event("visit", MARCH, "cookie:1")) == "erased");
  HOLDS(refused(gone, tactful::event("visit", MARCH + 31 * DAY, "cookie:1")) == "");
  HOLDS(refused(tactful::tombstones::from_bytes(gone.to_bytes(), key), tactful::event("visit", MARCH, "customer:ada")) == "erased");
  try {
    tactful::tombstones::from_bytes(gone.to_bytes(), "another secret that is long");
    HOLDS(!"another key opens them");
  } catch (const tactful::error &error) {
    HOLDS(error.status() == TACTFUL_INVALID_STATE && error.code() == "erasure_key");
  }
  const tactful::engine another("rights.yaml", "{playbook: rights, version: 2, identity: {customer: {}}, events: {visit: {}}}");
  tactful::customer ben(another, "customer:ben");
  another.record(ben, tactful::event("visit", MARCH, "customer:ben"));
  try {
    engine.erase(ben, MARCH + DAY, gone);
    HOLDS(!"the customer of another playbook is erased");
  } catch (const tactful::error &error) {
    HOLDS(error.status() == TACTFUL_INVALID_EVENT && error.code() == "other_playbook" && ben.size() == 1);
  }
}

int main() {
  const tactful::engine engine("shop.yaml", shop);
  rights();
  items();
  forecasts();
  ownership(engine);
  errors(engine);
  texts();
  story(engine);
  states(engine);
  threads(engine);
  std::cout << checks << " checks\n";
  return failures == 0 ? 0 : 1;
}
