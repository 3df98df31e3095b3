// A tiny CRM: its own customers, and what they should hear next.
#include <iostream>
#include <string>
#include <tactful.hpp>
#include <vector>

static const char playbook[] = R"(
playbook: crm
version: 1
identity: {crm_id: {}}
events: {call: {minutes: int}}
channels: {desk: text}
placements: {next: {channel: desk}}
offers:
  call_back:
    eligible: events("call").since_last().days() >= 30
    treatments: {desk: {message: Time to call.}}
)";

struct contact {
  std::string id;
  std::int64_t last_call;
};

int main() {
  const std::int64_t day = 86400000000;
  const std::vector<contact> contacts = {{"crm_id:1", 0}, {"crm_id:2", 45 * day}};
  const tactful::engine engine("crm.yaml", playbook);
  tactful::base base(engine);
  for (const contact &one : contacts) {
    base.record(tactful::event("call", one.last_call, one.id));
    const tactful::decision decision = base.decide(one.id, {"next"}, 60 * day);
    for (const tactful::placement &placement : decision.placements()) {
      std::cout << one.id << ": " << (placement.offers.empty() ? "nothing" : placement.offers[0].message.str()) << "\n";
    }
  }
  return 0;
}
