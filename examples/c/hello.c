#include <stdio.h>
#include <tactful.h>

static const char *const playbook =
    "{playbook: shop, version: 1, identity: {customer: {}}, events: {purchase: {amount: money(EUR)}},\n"
    " channels: {web: text}, placements: {home: {channel: web}}, offers: {thanks: {\n"
    "   eligible: 'events(\"purchase\").within(\"90d\").sum(\"amount\") >= 10',\n"
    "   treatments: {web: {message: 'Thank you.'}}}}}";

int main(void) {
  tactful_error *error = NULL;
  tactful_engine *engine = NULL;
  tactful_customer *ada = NULL;
  tactful_event *event = NULL;
  tactful_request *request = NULL;
  tactful_decision *decision = NULL;
  tactful_document document = {{"shop.yaml", 9}, tactful_text_of(playbook)};
  tactful_offer offer;
  int64_t time = INT64_C(1267437600000000); /* 2010-03-01T10:00:00Z in microseconds */

  if (tactful_engine_compile(&document, 1, &engine, &error) ||
      tactful_customer_new(engine, tactful_text_of("customer:ada"), &ada, &error) ||
      tactful_event_new(tactful_text_of("purchase"), time, tactful_text_of("customer:ada"), &event, &error) ||
      tactful_event_set_decimal(event, "amount", "12.50", &error) ||
      tactful_engine_record(engine, ada, event, NULL, &error) || tactful_request_new(&request, &error) ||
      tactful_request_add_placement(request, tactful_text_of("home"), &error) ||
      tactful_engine_decide(engine, ada, request, time, TACTFUL_NO_TIME, &decision, &error))
    fprintf(stderr, "%s\n", tactful_error_rendered(error).data);
  else if (tactful_decision_offer(decision, 0, 0, &offer))
    printf("%s\n", offer.message.data);

  tactful_decision_free(decision);
  tactful_request_free(request);
  tactful_event_free(event);
  tactful_customer_free(ada);
  tactful_engine_free(engine);
  tactful_error_free(error);
  return error != NULL;
}
