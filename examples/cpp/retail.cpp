// Decisions of the gift shop in C++11: records the story of a few customers, asks what they should see, and why.
//
//     retail ../retail/playbook.yaml
#include <cstdint>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <tactful.hpp>

namespace {

const std::int64_t day = INT64_C(86400000000);
// 2010-03-01T10:00:00Z
const std::int64_t march = INT64_C(1267437600000000);

std::string read_file(const char *path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(std::string("cannot read ") + path);
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

void show(const tactful::effects &effects) {
  for (std::size_t i = 0; i < effects.size(); ++i) {
    const tactful::effect effect = effects[i];
    switch (effect.what) {
    case TACTFUL_EFFECT_SEGMENT_ENTERED:
      std::cout << "  entered " << effect.name << "\n";
      break;
    case TACTFUL_EFFECT_SEGMENT_LEFT:
      std::cout << "  left " << effect.name << "\n";
      break;
    case TACTFUL_EFFECT_STAGE_CHANGED:
      std::cout << "  " << effect.name << ": " << (effect.from ? effect.from : "outside") << " -> "
                << (effect.to ? effect.to : "outside") << "\n";
      break;
    }
  }
}

void purchase(tactful::base &base, const char *customer, std::int64_t time, const char *invoice, const char *description,
              int quantity, const char *amount) {
  std::cout << customer << " buys " << quantity << " x " << description << "\n";
  tactful::event event("purchase", time, customer);
  event.set("invoice", invoice)
      .set("description", description)
      .set("quantity", quantity)
      .set("amount", tactful::value::decimal(amount))
      .set("country", "United Kingdom");
  show(base.record(event));
}

void consent(tactful::base &base, const char *customer, std::int64_t time) {
  std::cout << customer << " agrees to marketing\n";
  tactful::event event("consent_given", time, customer);
  show(base.record(event.set("purpose", "marketing")));
}

void show(const tactful::decision &decision) {
  std::cout << decision.customer() << ":\n";
  for (const tactful::placement &placement : decision.placements()) {
    switch (placement.kind) {
    case TACTFUL_ANSWER_OFFERS:
      for (const tactful::offer &offer : placement.offers) {
        std::cout << "  " << placement.name << ": " << offer.name << " (" << offer.score << "): " << offer.message << "\n";
      }
      break;
    case TACTFUL_ANSWER_FALLBACK:
      std::cout << "  " << placement.name << ": for everybody: " << placement.fallback << "\n";
      break;
    case TACTFUL_ANSWER_SILENCE:
      std::cout << "  " << placement.name << ": silence: " << placement.reason << "\n";
      break;
    }
  }
  for (const tactful::candidate &candidate : decision.candidates()) {
    std::cout << "    " << candidate.offer << ": " << candidate.gate_name;
    if (candidate.scored) {
      std::cout << ", " << candidate.total << " = " << candidate.propensity << " x " << candidate.context << " x "
                << candidate.value << " x " << candidate.lever;
    }
    std::cout << "\n";
    for (const tactful::text_view &reason : candidate.reasons) std::cout << "      " << reason << "\n";
  }
}

void run(const char *path) {
  const tactful::engine engine(path, read_file(path));
  tactful::base base(engine);

  consent(base, "customer:anna", march - 90 * day);
  purchase(base, "customer:anna", march - 80 * day, "A1", "BIRTHDAY CARD", 2, "4.200");
  purchase(base, "customer:anna", march - 20 * day, "A2", "GIFT WRAP ROSES", 4, "12.600");
  consent(base, "customer:ben", march - 40 * day);
  purchase(base, "customer:ben", march - 10 * day, "B1", "PAPER LANTERN", 200, "410.000");
  purchase(base, "customer:cleo", march - 5 * day, "C1", "TEA TOWEL", 1, "2.950");

  const tactful::request request({"home_hero", "newsletter"});
  // What was shown is recorded, so that the cap on showing it again bites: the third time is silent.
  for (int week = 0; week < 3; ++week) {
    const std::int64_t now = march + week * 7 * day;
    const tactful::decision decision = base.decide("customer:ben", request, now);
    show(decision);
    base.record_outcome(decision, "shown", now + 1);
  }
  // Why: one who gets offers, and one who never agreed to any.
  show(base.explain("customer:anna", request, march));
  show(base.explain("customer:cleo", request, march));

  std::cout << base.size() << " customers\n";
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 2) {
    std::cerr << "usage: retail PLAYBOOK\n";
    return 1;
  }
  std::cout << std::fixed << std::setprecision(3);
  try {
    run(argv[1]);
  } catch (const std::exception &problem) {
    std::cerr << problem.what() << "\n";
    return 1;
  }
  return 0;
}
