/* A small playbook for tests. */
static const char *const shop =
    "playbook: shop\n"
    "version: 1\n"
    "identity: {customer: {}, visit: {anonymous: true}}\n"
    "purposes: {marketing: opt_out}\n"
    "attributes: {age: int, vip: bool, since: timestamp, name: string}\n"
    "events:\n"
    "  purchase: {amount: money(EUR), sku: string, pieces: int, weight: double, gift: bool, due: timestamp}\n"
    "request: {basket: money(EUR), items: int, mood: string, rain: bool, heat: double, until: timestamp}\n"
    "segments:\n"
    "  buyer: events(\"purchase\").within(\"30d\").count() >= 1\n"
    "  adult: customer.age >= 18\n"
    "journeys:\n"
    "  lifecycle:\n"
    "    stages:\n"
    "      fresh: {on: [purchase], from: [none]}\n"
    "      loyal: {enter: 'events(\"purchase\").count() >= 3', from: [fresh]}\n"
    "channels: {web: text}\n"
    "placements:\n"
    "  home: {channel: web, slots: 2, fallback: {message: Welcome.}}\n"
    "  banner: {channel: web}\n"
    "offers:\n"
    "  thanks:\n"
    "    purposes: [marketing]\n"
    "    eligible: segment(\"buyer\")\n"
    "    value: 2\n"
    "    treatments: {web: {message: Thank you.}}\n"
    "  cheap:\n"
    "    purposes: [marketing]\n"
    "    eligible: events(\"purchase\").sum(\"amount\") < 100\n"
    "    applicable: request.items >= 1\n"
    "    treatments: {web: {message: Cheap.}}\n";

#define DAY INT64_C(86400000000)
/* 2026-03-01T10:00:00Z */
#define MARCH INT64_C(1772359200000000)
