/* Short forms. */

/** Text of a C string. A null string is refused by the function that it is passed to. */
static inline tactful_text tactful_text_of(const char *string) {
  tactful_text text;
  text.data = string;
  text.len = string ? strlen(string) : (size_t)-1;
  return text;
}

/** Nothing: what was set before is unset. */
static inline tactful_value tactful_value_none(void) {
  tactful_value value;
  value.kind = TACTFUL_VALUE_NONE;
  value.integer = 0;
  value.number = 0.0;
  value.text.data = NULL;
  value.text.len = 0;
  return value;
}

/** Text as a value. */
static inline tactful_value tactful_value_text(tactful_text text) {
  tactful_value value = tactful_value_none();
  value.kind = TACTFUL_VALUE_TEXT;
  value.text = text;
  return value;
}

/** A whole number as a value. */
static inline tactful_value tactful_value_int(int64_t number) {
  tactful_value value = tactful_value_none();
  value.kind = TACTFUL_VALUE_INT;
  value.integer = number;
  return value;
}

/** A finite number as a value. */
static inline tactful_value tactful_value_double(double number) {
  tactful_value value = tactful_value_none();
  value.kind = TACTFUL_VALUE_DOUBLE;
  value.number = number;
  return value;
}

/** A truth value as a value. */
static inline tactful_value tactful_value_bool(bool truth) {
  tactful_value value = tactful_value_none();
  value.kind = TACTFUL_VALUE_BOOL;
  value.integer = truth ? 1 : 0;
  return value;
}

/** An exact decimal such as "12.50", or an amount of money, as a value. */
static inline tactful_value tactful_value_decimal(tactful_text text) {
  tactful_value value = tactful_value_none();
  value.kind = TACTFUL_VALUE_DECIMAL;
  value.text = text;
  return value;
}

/** An instant, in microseconds since 1970-01-01T00:00:00Z, as a value. */
static inline tactful_value tactful_value_time(int64_t micros) {
  tactful_value value = tactful_value_none();
  value.kind = TACTFUL_VALUE_TIME;
  value.integer = micros;
  return value;
}

/** A whole number without a sign as a value. */
static inline tactful_value tactful_value_uint(uint64_t number) {
  tactful_value value = tactful_value_none();
  value.kind = TACTFUL_VALUE_UINT;
  value.integer = (int64_t)number;
  return value;
}

/** Bytes as a value; they need not be UTF-8. */
static inline tactful_value tactful_value_bytes(tactful_text bytes) {
  tactful_value value = tactful_value_none();
  value.kind = TACTFUL_VALUE_BYTES;
  value.text = bytes;
  return value;
}

/** A length of time, in microseconds, as a value. */
static inline tactful_value tactful_value_duration(int64_t micros) {
  tactful_value value = tactful_value_none();
  value.kind = TACTFUL_VALUE_DURATION;
  value.integer = micros;
  return value;
}

/** Anything as JSON, such as a list or a map, as a value. */
static inline tactful_value tactful_value_json(tactful_text text) {
  tactful_value value = tactful_value_none();
  value.kind = TACTFUL_VALUE_JSON;
  value.text = text;
  return value;
}

/** tactful_event_set with text. */
static inline tactful_status tactful_event_set_text(tactful_event *event, const char *property, const char *text,
                                                    tactful_error **error) {
  return tactful_event_set(event, tactful_text_of(property), tactful_value_text(tactful_text_of(text)), error);
}

/** tactful_event_set with a whole number. */
static inline tactful_status tactful_event_set_int(tactful_event *event, const char *property, int64_t number,
                                                   tactful_error **error) {
  return tactful_event_set(event, tactful_text_of(property), tactful_value_int(number), error);
}

/** tactful_event_set with a finite number. */
static inline tactful_status tactful_event_set_double(tactful_event *event, const char *property, double number,
                                                      tactful_error **error) {
  return tactful_event_set(event, tactful_text_of(property), tactful_value_double(number), error);
}

/** tactful_event_set with a truth value. */
static inline tactful_status tactful_event_set_bool(tactful_event *event, const char *property, bool truth,
                                                    tactful_error **error) {
  return tactful_event_set(event, tactful_text_of(property), tactful_value_bool(truth), error);
}

/** tactful_event_set with an exact decimal such as "12.50", or an amount of money. */
static inline tactful_status tactful_event_set_decimal(tactful_event *event, const char *property, const char *decimal,
                                                       tactful_error **error) {
  return tactful_event_set(event, tactful_text_of(property), tactful_value_decimal(tactful_text_of(decimal)), error);
}

/** tactful_event_set with an instant, in microseconds since 1970-01-01T00:00:00Z. */
static inline tactful_status tactful_event_set_time(tactful_event *event, const char *property, int64_t micros,
                                                    tactful_error **error) {
  return tactful_event_set(event, tactful_text_of(property), tactful_value_time(micros), error);
}

/** tactful_request_set with text. */
static inline tactful_status tactful_request_set_text(tactful_request *request, const char *fact, const char *text,
                                                      tactful_error **error) {
  return tactful_request_set(request, tactful_text_of(fact), tactful_value_text(tactful_text_of(text)), error);
}

/** tactful_request_set with a whole number. */
static inline tactful_status tactful_request_set_int(tactful_request *request, const char *fact, int64_t number,
                                                     tactful_error **error) {
  return tactful_request_set(request, tactful_text_of(fact), tactful_value_int(number), error);
}

/** tactful_request_set with a finite number. */
static inline tactful_status tactful_request_set_double(tactful_request *request, const char *fact, double number,
                                                        tactful_error **error) {
  return tactful_request_set(request, tactful_text_of(fact), tactful_value_double(number), error);
}

/** tactful_request_set with a truth value. */
static inline tactful_status tactful_request_set_bool(tactful_request *request, const char *fact, bool truth,
                                                      tactful_error **error) {
  return tactful_request_set(request, tactful_text_of(fact), tactful_value_bool(truth), error);
}

/** tactful_request_set with an exact decimal such as "12.50", or an amount of money. */
static inline tactful_status tactful_request_set_decimal(tactful_request *request, const char *fact, const char *decimal,
                                                         tactful_error **error) {
  return tactful_request_set(request, tactful_text_of(fact), tactful_value_decimal(tactful_text_of(decimal)), error);
}

/** tactful_request_set with an instant, in microseconds since 1970-01-01T00:00:00Z. */
static inline tactful_status tactful_request_set_time(tactful_request *request, const char *fact, int64_t micros,
                                                      tactful_error **error) {
  return tactful_request_set(request, tactful_text_of(fact), tactful_value_time(micros), error);
}

/* The layout that the library was built with. A size that differs here is a compiler or a target that cannot be used. */
#if defined(UINTPTR_MAX) && UINTPTR_MAX == 0xffffffffffffffffu
#define TACTFUL_LAYOUT(name, holds) typedef char tactful_layout_##name[(holds) ? 1 : -1]
TACTFUL_LAYOUT(text, sizeof(tactful_text) == 16 && offsetof(tactful_text, len) == 8);
TACTFUL_LAYOUT(value, sizeof(tactful_value) == 40 && offsetof(tactful_value, text) == 24);
TACTFUL_LAYOUT(document, sizeof(tactful_document) == 32 && offsetof(tactful_document, text) == 16);
TACTFUL_LAYOUT(diagnostic, sizeof(tactful_diagnostic) == 112 && offsetof(tactful_diagnostic, line) == 96);
TACTFUL_LAYOUT(effect, sizeof(tactful_effect) == 168 && offsetof(tactful_effect, at) == 128);
TACTFUL_LAYOUT(placement, sizeof(tactful_placement) == 80 && offsetof(tactful_placement, kind) == 72);
TACTFUL_LAYOUT(offer, sizeof(tactful_offer) == 56 && offsetof(tactful_offer, at) == 48);
TACTFUL_LAYOUT(held, sizeof(tactful_held) == 24 && offsetof(tactful_held, until) == 16);
TACTFUL_LAYOUT(candidate, sizeof(tactful_candidate) == 104 && offsetof(tactful_candidate, gate) == 96);
TACTFUL_LAYOUT(column, sizeof(tactful_column) == 48 && offsetof(tactful_column, kind) == 40);
TACTFUL_LAYOUT(column_role, sizeof(tactful_column_role) == 32);
TACTFUL_LAYOUT(replay_options, sizeof(tactful_replay_options) == 88 && offsetof(tactful_replay_options, forecast_length) == 80);
TACTFUL_LAYOUT(replay_stats, sizeof(tactful_replay_stats) == 80 && offsetof(tactful_replay_stats, exposures) == 72);
#undef TACTFUL_LAYOUT
#endif

#endif /* TACTFUL_H */
