/*
 * Decisions of the gift shop in C99: records the story of a few customers, asks what they should see, and why.
 *
 *     retail ../retail/playbook.yaml
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <tactful.h>

#define DAY INT64_C(86400000000)
/* 2010-03-01T10:00:00Z */
#define MARCH INT64_C(1267437600000000)

/* Ends the program with the reason, if there is one. It takes the place of the error, not its value: C does not say which
 * argument is evaluated first. */
static void check(tactful_status status, tactful_error **error) {
  if (status == TACTFUL_OK) return;
  fprintf(stderr, "%s\n", tactful_error_rendered(*error).data);
  tactful_error_free(*error);
  exit(EXIT_FAILURE);
}

static char *read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  long size = 0;
  char *text = NULL;
  if (file && fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 && fseek(file, 0, SEEK_SET) == 0) {
    text = malloc((size_t)size + 1);
    if (text) text[fread(text, 1, (size_t)size, file)] = '\0';
  }
  if (file) fclose(file);
  if (!text) {
    fprintf(stderr, "cannot read %s\n", path);
    exit(EXIT_FAILURE);
  }
  return text;
}

static void show_effects(const tactful_effects *effects) {
  tactful_effect effect;
  for (size_t i = 0; tactful_effects_get(effects, i, &effect); i++) {
    switch (effect.effect) {
    case TACTFUL_EFFECT_SEGMENT_ENTERED:
      printf("  entered %s\n", effect.name.data);
      break;
    case TACTFUL_EFFECT_SEGMENT_LEFT:
      printf("  left %s\n", effect.name.data);
      break;
    case TACTFUL_EFFECT_STAGE_CHANGED:
      printf("  %s: %s -> %s\n", effect.name.data, effect.from.data ? effect.from.data : "outside",
             effect.to.data ? effect.to.data : "outside");
      break;
    }
  }
}

static void record(tactful_base *base, tactful_event *event) {
  tactful_error *error = NULL;
  tactful_effects *effects = NULL;
  check(tactful_base_record(base, event, &effects, &error), &error);
  show_effects(effects);
  tactful_effects_free(effects);
  tactful_event_free(event);
}

static void purchase(tactful_base *base, const char *customer, int64_t time, const char *invoice, const char *description,
                     int64_t quantity, const char *amount) {
  tactful_error *error = NULL;
  tactful_event *event = NULL;
  printf("%s buys %" PRId64 " x %s\n", customer, quantity, description);
  check(tactful_event_new(tactful_text_of("purchase"), time, tactful_text_of(customer), &event, &error), &error);
  check(tactful_event_set_text(event, "invoice", invoice, &error), &error);
  check(tactful_event_set_text(event, "description", description, &error), &error);
  check(tactful_event_set_int(event, "quantity", quantity, &error), &error);
  check(tactful_event_set_decimal(event, "amount", amount, &error), &error);
  check(tactful_event_set_text(event, "country", "United Kingdom", &error), &error);
  record(base, event);
}

static void consent(tactful_base *base, const char *customer, int64_t time) {
  tactful_error *error = NULL;
  tactful_event *event = NULL;
  printf("%s agrees to marketing\n", customer);
  check(tactful_event_new(tactful_text_of("consent_given"), time, tactful_text_of(customer), &event, &error), &error);
  check(tactful_event_set_text(event, "purpose", "marketing", &error), &error);
  record(base, event);
}

static void show_decision(const tactful_decision *decision) {
  tactful_placement placement;
  tactful_offer offer;
  tactful_candidate candidate;
  printf("%s:\n", tactful_decision_customer(decision).data);
  for (size_t i = 0; tactful_decision_placement(decision, i, &placement); i++) {
    switch (placement.kind) {
    case TACTFUL_ANSWER_OFFERS:
      for (size_t slot = 0; tactful_decision_offer(decision, i, slot, &offer); slot++) {
        printf("  %s: %s (%.3f): %s\n", placement.name.data, offer.name.data, offer.score, offer.message.data);
      }
      break;
    case TACTFUL_ANSWER_FALLBACK:
      printf("  %s: for everybody: %s\n", placement.name.data, placement.fallback.data);
      break;
    case TACTFUL_ANSWER_SILENCE:
      printf("  %s: silence: %s\n", placement.name.data, placement.reason.data);
      break;
    }
  }
  for (size_t i = 0; tactful_decision_candidate(decision, i, &candidate); i++) {
    printf("    %s: %s", candidate.offer.data, candidate.gate_name.data);
    if (candidate.scored) {
      printf(", %.3f = %.3f x %.3f x %.3f x %.3f", candidate.total, candidate.propensity, candidate.context, candidate.value,
             candidate.lever);
    }
    printf("\n");
    for (size_t j = 0; j < candidate.reasons; j++) {
      printf("      %s\n", tactful_decision_reason(decision, i, j).data);
    }
  }
}

int main(int argc, char **argv) {
  tactful_error *error = NULL;
  tactful_engine *engine = NULL;
  tactful_base *base = NULL;
  tactful_request *request = NULL;
  tactful_decision *decision = NULL;
  char *playbook;
  tactful_document document;

  if (argc != 2) {
    fprintf(stderr, "usage: retail PLAYBOOK\n");
    return EXIT_FAILURE;
  }
  if (tactful_abi_version() != TACTFUL_ABI_VERSION) {
    fprintf(stderr, "compiled for another version of the library\n");
    return EXIT_FAILURE;
  }

  playbook = read_file(argv[1]);
  document.name = tactful_text_of(argv[1]);
  document.text = tactful_text_of(playbook);
  check(tactful_engine_compile(&document, 1, &engine, &error), &error);
  free(playbook);
  check(tactful_base_new(engine, &base, &error), &error);

  consent(base, "customer:anna", MARCH - 90 * DAY);
  purchase(base, "customer:anna", MARCH - 80 * DAY, "A1", "BIRTHDAY CARD", 2, "4.200");
  purchase(base, "customer:anna", MARCH - 20 * DAY, "A2", "GIFT WRAP ROSES", 4, "12.600");
  consent(base, "customer:ben", MARCH - 40 * DAY);
  purchase(base, "customer:ben", MARCH - 10 * DAY, "B1", "PAPER LANTERN", 200, "410.000");
  purchase(base, "customer:cleo", MARCH - 5 * DAY, "C1", "TEA TOWEL", 1, "2.950");

  check(tactful_request_new(&request, &error), &error);
  check(tactful_request_add_placement(request, tactful_text_of("home_hero"), &error), &error);
  check(tactful_request_add_placement(request, tactful_text_of("newsletter"), &error), &error);

  /* What was shown is recorded, so that the cap on showing it again bites: the third time is silent. */
  for (int week = 0; week < 3; week++) {
    int64_t now = MARCH + week * 7 * DAY;
    check(tactful_base_decide(base, tactful_text_of("customer:ben"), request, now, TACTFUL_NO_TIME, &decision, &error), &error);
    show_decision(decision);
    check(tactful_base_record_outcome(base, decision, tactful_text_of("shown"), now + 1, NULL, &error), &error);
    tactful_decision_free(decision);
  }
  /* Why: one who gets offers, and one who never agreed to any. */
  check(tactful_base_explain(base, tactful_text_of("customer:anna"), request, MARCH, TACTFUL_NO_TIME, &decision, &error), &error);
  show_decision(decision);
  tactful_decision_free(decision);
  check(tactful_base_explain(base, tactful_text_of("customer:cleo"), request, MARCH, TACTFUL_NO_TIME, &decision, &error), &error);
  show_decision(decision);
  tactful_decision_free(decision);

  printf("%lu customers\n", (unsigned long)tactful_base_len(base));
  tactful_request_free(request);
  tactful_base_free(base);
  tactful_engine_free(engine);
  return EXIT_SUCCESS;
}
