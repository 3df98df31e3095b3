/* A tiny CRM: its own customers, and what they should hear next. */
#include <stdio.h>
#include <stdlib.h>
#include <tactful.h>

static const char *const playbook =
    "{playbook: crm, version: 1, identity: {crm_id: {}}, events: {call: {minutes: int}},\n"
    " channels: {desk: text}, placements: {next: {channel: desk}}, offers: {call_back: {\n"
    "   eligible: 'events(\"call\").since_last().days() >= 30', treatments: {desk: {message: 'Time to call.'}}}}}";

struct contact {
  const char *id;
  int64_t last_call;
};

int main(void) {
  const struct contact contacts[] = {{"crm_id:1", 0}, {"crm_id:2", INT64_C(45) * 86400000000}};
  const int64_t now = INT64_C(60) * 86400000000;
  tactful_engine *engine = NULL;
  tactful_base *base = NULL;
  tactful_request *request = NULL;
  tactful_document document;
  document.name = tactful_text_of("crm.yaml");
  document.text = tactful_text_of(playbook);
  if (tactful_engine_compile(&document, 1, &engine, NULL) || tactful_base_new(engine, &base, NULL) ||
      tactful_request_new(&request, NULL) || tactful_request_add_placement(request, tactful_text_of("next"), NULL)) {
    return EXIT_FAILURE;
  }
  for (size_t i = 0; i < sizeof contacts / sizeof *contacts; i++) {
    const tactful_text id = tactful_text_of(contacts[i].id);
    tactful_event *event = NULL;
    tactful_decision *decision = NULL;
    tactful_offer offer;
    if (tactful_event_new(tactful_text_of("call"), contacts[i].last_call, id, &event, NULL) ||
        tactful_base_record(base, event, NULL, NULL) ||
        tactful_base_decide(base, id, request, now, TACTFUL_NO_TIME, &decision, NULL)) {
      return EXIT_FAILURE;
    }
    printf("%s: %s\n", contacts[i].id, tactful_decision_offer(decision, 0, 0, &offer) ? offer.message.data : "nothing");
    tactful_decision_free(decision);
    tactful_event_free(event);
  }
  tactful_request_free(request);
  tactful_base_free(base);
  tactful_engine_free(engine);
  return EXIT_SUCCESS;
}
