#include <iostream>
#include <tactful.hpp>

static const char playbook[] = R"(
playbook: shop
version: 1
identity: {customer: {}}
events: {purchase: {amount: money(EUR)}}
channels: {web: text}
placements: {home: {channel: web}}
offers:
  thanks:
    eligible: events("purchase").within("90d").sum("amount") >= 10
    treatments: {web: {message: Thank you.}}
)";

int main() try {
  const tactful::engine engine("shop.yaml", playbook);
  const std::int64_t time = 1267437600000000; // 2010-03-01T10:00:00Z in microseconds

  tactful::customer ada(engine, "customer:ada");
  engine.record(ada, tactful::event("purchase", time, "customer:ada").set("amount", tactful::value::decimal("12.50")));

  const tactful::decision decision = engine.decide(ada, {"home"}, time);
  for (const tactful::placement &placement : decision.placements())
    for (const tactful::offer &offer : placement.offers) std::cout << offer.message << "\n";
} catch (const tactful::error &error) {
  std::cerr << error.what() << "\n";
  return 1;
}
