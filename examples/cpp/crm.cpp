/*
 * A day of a CRM in C++11: customers under several identifiers, a complaint that has to be answered, a mail held back at night, a call
 * with a script, a voucher of which there is one, and the night's backup.
 */
#include <fstream>
#include <iostream>
#include <iterator>
#include <tactful.hpp>

static const char playbook[] = R"(
playbook: crm
version: 1
time_zone: Europe/Berlin
identity: {customer: {unique: true}, email: {normalize: email}}
purposes: {service: opt_out, marketing: opt_in}
attributes: {family_name: {type: string, purposes: [service, marketing]}}
events:
  order: {amount: money(EUR)}
  complaint: {stars: int}
  answered: {}
segments: {buyer: events("order").within("30d").exists()}
channels: {mail: text, phone: script}
placements: {mailing: {channel: mail}, call: {channel: phone}}
feedback: {complaints: {on: complaint, score: stars, negative: 2, respond_within: 4h, answered_by: answered, time_out: 14d}}
reactions: {call_back: {feedback: complaints, placement: call, offers: apology, valid_for: 1d}}
contact: [{quiet: "21:00-08:00", scope: channel(mail), then: move}]
offers:
  apology:
    purposes: [service]
    treatments: {phone: {message: "Say that we are sorry, {{family_name}}.", with: {family_name: {value: customer.family_name, missing: dear customer}}}}
  voucher:
    purposes: [marketing]
    eligible: segment("buyer")
    inventory: 1
    treatments: {mail: {message: Ten euros for your next order., headers: {subject: A voucher}}}
)";

/* 2026-03-02T10:00:00Z in microseconds; a real CRM asks its clock, see tactful::micros. */
static const std::int64_t monday = INT64_C(1772445600000000);
static const std::int64_t hour = INT64_C(3600000000);

/* What a change means for the CRM. */
static void carry_out(tactful::base &base, const tactful::effects &effects, const std::string &who) {
  for (std::size_t i = 0; i < effects.size(); ++i) {
    const tactful::effect effect = effects[i];
    const std::string whom = effect.customer ? effect.customer.str() : who;
    switch (effect.what) {
    case TACTFUL_EFFECT_SEGMENT_ENTERED: std::cout << whom << " is a " << effect.name << "\n"; break;
    case TACTFUL_EFFECT_SEGMENT_LEFT: std::cout << whom << " is no " << effect.name << " any more\n"; break;
    case TACTFUL_EFFECT_MERGED: std::cout << effect.from << " and " << effect.to << " are one\n"; break;
    case TACTFUL_EFFECT_RESPONSE_OVERDUE: std::cout << whom << " waits for an answer since 4 hours\n"; break;
    case TACTFUL_EFFECT_REACTION_DUE: {
      tactful::request request;
      request.reacting(effect.name);
      const tactful::decision decision = base.decide(whom, request, effect.at);
      for (const tactful::placement &placement : decision.placements()) {
        for (const tactful::offer &offer : placement.offers) {
          std::cout << "call " << whom << ": " << offer.message << "\n";
          for (const tactful::text_view &line : offer.why) std::cout << "  because " << line << "\n";
        }
      }
      base.record_outcome(decision, "sent", effect.at);
      break;
    }
    default: break;
    }
  }
}

static void tell(tactful::base &base, const tactful::event &event, const std::string &who) {
  carry_out(base, base.record(event), who);
}

int main(int count, char **arguments) try {
  const tactful::engine engine("crm.yaml", playbook);
  tactful::base base(engine);
  std::int64_t now = monday;

  /* Orders come from the shop by e-mail address, the CRM knows numbers; one event says that they are the same person. */
  for (const char *who : {"ada", "ben"}) {
    const std::string customer = std::string("customer:") + who, email = std::string("email:") + who + "@example.com";
    tell(base, tactful::event("order", now, email).set("amount", tactful::value::decimal("19.90")), email);
    tell(base, tactful::event("linked", now + hour, customer).identifier(email), customer);
    tell(base, tactful::event("consent_given", now + hour, customer).set("purpose", "marketing"), customer);
  }
  tell(base, tactful::event("attribute_set", now, "customer:ada").set("attribute", "family_name").set("value", "Ms Lovelace"),
       "customer:ada");

  /* A complaint proposes a call at once. Nobody calls: four hours later the base says so, driven by any scheduler. */
  now += 5 * hour;
  tell(base, tactful::event("complaint", now, "customer:ada").set("stars", 1), "customer:ada");
  for (std::int64_t due = base.next_due(); due != tactful::no_time && due <= now + 6 * hour; due = base.next_due()) {
    carry_out(base, base.advance(due), "");
  }
  tell(base, tactful::event("answered", now + 5 * hour, "customer:ada"), "customer:ada");

  /* There is one voucher. Reserving decides, checks and counts in one step, however many threads do it. */
  now += 7 * hour; /* 23:00 in Berlin */
  for (const char *who : {"customer:ada", "email:ben@example.com"}) {
    const tactful::decision decision = base.reserve(who, {"mailing"}, now);
    const tactful::placement mailing = decision.placements().at(0);
    if (mailing.offers.empty()) {
      std::cout << who << ": " << mailing.reason << "\n";
      continue;
    }
    for (const tactful::offer &offer : mailing.offers) {
      for (const std::pair<tactful::text_view, tactful::text_view> &header : offer.headers) {
        std::cout << who << ": " << header.first << ": " << header.second << "\n";
      }
      if (offer.at != tactful::no_time) std::cout << "  to be sent in " << (offer.at - now) / hour << " hours\n";
    }
    base.confirm(who, decision.id(), "sent", now);
  }

  /* What has no function of its own is a question in JSON: here the file card of a customer. */
  std::cout << base.query(R"({"query": "attribute", "identifier": "customer:ada", "attribute": "family_name", "now": "2026-03-03T00:00:00Z"})")
            << "\n";

  /* The backup is bytes, which say when they are damaged. */
  std::vector<std::uint8_t> bytes = base.to_bytes();
  if (count > 1) {
    std::ofstream(arguments[1], std::ios::binary).write(reinterpret_cast<const char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    std::ifstream file(arguments[1], std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  std::cout << tactful::base::from_bytes(engine, bytes).size() << " customers\n";
  bytes[bytes.size() / 2] ^= 1;
  try {
    tactful::base::from_bytes(engine, bytes);
  } catch (const tactful::error &error) {
    std::cout << error.code() << ": " << error.message() << "\n";
  }
} catch (const tactful::error &error) {
  std::cerr << error.what() << "\n";
  return 1;
}
