/*
 * tactful.h: an embeddable customer decision engine. The guide is docs/c.md.
 *
 * Made from the Rust sources; do not edit. C99 and later, C++11 and later; tactful.hpp is a C++ layer over it.
 *
 * Calls.      A function that can fail returns a tactful_status, 0 (TACTFUL_OK) on success. Its last parameter takes the
 *             reason and may be null. Outputs, the error among them, are written only when they are there: results on
 *             success, an error on failure. What an output held before is overwritten, not freed.
 * Handles.    A pointer to a handle is null only to be freed, or where its function says so; a function that needs one says
 *             "null_pointer". Each handle is freed once, by the function named after it. Handles do not depend on each
 *             other's lives: an engine may be freed before the customers made with it.
 * Threads.    A handle that a function takes as `const` may be used by many threads at once; one that it does not may be
 *             used by nobody else meanwhile. Only a tactful_base may be used by many threads in every way, until it is freed.
 *             Handles may move between threads.
 * Text.       See tactful_text.
 * Time.       Microseconds since 1970-01-01T00:00:00Z, in the years 1 to 9999. Nothing here reads a clock.
 * Constants.  Values of parameters and fields named after a family, such as TACTFUL_EFFECT_..., may grow in later versions.
 */

#ifndef TACTFUL_H
#define TACTFUL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* The structures of the Arrow C data and stream interfaces, as https://arrow.apache.org/docs/format/CDataInterface.html has
 * them; left out when another header defined them. */
#ifdef __cplusplus
extern "C" {
#endif

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
  const char *format;
  const char *name;
  const char *metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema **children;
  struct ArrowSchema *dictionary;
  void (*release)(struct ArrowSchema *);
  void *private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void **buffers;
  struct ArrowArray **children;
  struct ArrowArray *dictionary;
  void (*release)(struct ArrowArray *);
  void *private_data;
};

#endif /* ARROW_C_DATA_INTERFACE */

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
  int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
  int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
  const char *(*get_last_error)(struct ArrowArrayStream *);
  void (*release)(struct ArrowArrayStream *);
  void *private_data;
};

#endif /* ARROW_C_STREAM_INTERFACE */

#ifdef __cplusplus
}
#endif


/**
 * The version of this interface. It counts up with every change after which a program has to be compiled again; it is part
 * of the shared library's name.
 */
#define TACTFUL_ABI_VERSION 1

/**
 * No time: where a time is optional, it was not given, or there is none.
 */
#define TACTFUL_NO_TIME INT64_MIN

/**
 * Nothing: the property or fact is unknown.
 */
#define TACTFUL_VALUE_NONE 0

/**
 * Text, in `text`.
 */
#define TACTFUL_VALUE_TEXT 1

/**
 * A whole number, in `integer`.
 */
#define TACTFUL_VALUE_INT 2

/**
 * A finite number, in `number`.
 */
#define TACTFUL_VALUE_DOUBLE 3

/**
 * A truth value: `integer` is 0 or 1.
 */
#define TACTFUL_VALUE_BOOL 4

/**
 * An exact decimal such as "12.50", in `text`; what decimals and money are told as.
 */
#define TACTFUL_VALUE_DECIMAL 5

/**
 * An instant: `integer` is microseconds since 1970-01-01T00:00:00Z.
 */
#define TACTFUL_VALUE_TIME 6

/**
 * A whole number without a sign: the bits of `integer`.
 */
#define TACTFUL_VALUE_UINT 7

/**
 * Bytes, in `text`, which need not be UTF-8.
 */
#define TACTFUL_VALUE_BYTES 8

/**
 * A length of time: `integer` is microseconds.
 */
#define TACTFUL_VALUE_DURATION 9

/**
 * Anything as JSON, in `text`: what lists and maps are told as.
 */
#define TACTFUL_VALUE_JSON 10

/**
 * Nothing can be compiled.
 */
#define TACTFUL_SEVERITY_ERROR 1

/**
 * It compiles, but is probably not meant.
 */
#define TACTFUL_SEVERITY_WARNING 2

/**
 * No event arrived: only time passed.
 */
#define TACTFUL_ARRIVAL_NONE 0

/**
 * The event was not known before.
 */
#define TACTFUL_ARRIVAL_NEW 1

/**
 * The event was known; nothing changed.
 */
#define TACTFUL_ARRIVAL_DUPLICATE 2

/**
 * An event with this id and other content was known, and stays.
 */
#define TACTFUL_ARRIVAL_CONFLICT_KEPT_OLD 3

/**
 * An event with this id and other content was known, and gave way.
 */
#define TACTFUL_ARRIVAL_CONFLICT_KEPT_NEW 4

/**
 * The customer came into a segment.
 */
#define TACTFUL_EFFECT_SEGMENT_ENTERED 1

/**
 * The customer went out of a segment.
 */
#define TACTFUL_EFFECT_SEGMENT_LEFT 2

/**
 * The customer moved in a journey.
 */
#define TACTFUL_EFFECT_STAGE_CHANGED 3

/**
 * A link joined two customers.
 */
#define TACTFUL_EFFECT_MERGED 4

/**
 * A link was revoked, and its two identifiers are of two customers.
 */
#define TACTFUL_EFFECT_PARTED 5

/**
 * A link joins nobody, or a revocation takes nothing back.
 */
#define TACTFUL_EFFECT_LINK_REFUSED 6

/**
 * A watched fact was known to be one thing and now is another.
 */
#define TACTFUL_EFFECT_CONTEXT_CHANGED 7

/**
 * An instance of a journey did not begin because as many were open as the playbook allows.
 */
#define TACTFUL_EFFECT_JOURNEY_FULL 8

/**
 * A place that was recorded under another version of a journey was taken over, or was not.
 */
#define TACTFUL_EFFECT_JOURNEY_MIGRATED 9

/**
 * Two customers are related.
 */
#define TACTFUL_EFFECT_RELATED 10

/**
 * Two customers are related no more.
 */
#define TACTFUL_EFFECT_UNRELATED 11

/**
 * A relation was told that exceeds a limit.
 */
#define TACTFUL_EFFECT_RELATION_REFUSED 12

/**
 * A reaction proposes a decision, which the host asks for.
 */
#define TACTFUL_EFFECT_REACTION_DUE 13

/**
 * Negative feedback was not answered in time.
 */
#define TACTFUL_EFFECT_RESPONSE_OVERDUE 14

/**
 * It happened now, or since the last time anybody looked.
 */
#define TACTFUL_KIND_HAPPENED 1

/**
 * A late event shows that it had happened.
 */
#define TACTFUL_KIND_CORRECTED 2

/**
 * A late event shows that it had not happened.
 */
#define TACTFUL_KIND_WITHDRAWN 3

/**
 * It may be anybody: only the present session is read.
 */
#define TACTFUL_ASSURANCE_ANONYMOUS 0

/**
 * Probably the customer; what holds when nothing is said.
 */
#define TACTFUL_ASSURANCE_RECOGNISED 1

/**
 * The customer proved it.
 */
#define TACTFUL_ASSURANCE_AUTHENTICATED 2

/**
 * Ranked offers.
 */
#define TACTFUL_ANSWER_OFFERS 1

/**
 * The placement's message for everybody.
 */
#define TACTFUL_ANSWER_FALLBACK 2

/**
 * Nothing is shown.
 */
#define TACTFUL_ANSWER_SILENCE 3

/**
 * A purpose is not permitted.
 */
#define TACTFUL_GATE_CONSENT 1

/**
 * Not yet or no longer valid.
 */
#define TACTFUL_GATE_VALIDITY 2

/**
 * The customer may not have it.
 */
#define TACTFUL_GATE_ELIGIBLE 3

/**
 * It makes no sense now.
 */
#define TACTFUL_GATE_APPLICABLE 4

/**
 * It would not be good for the customer.
 */
#define TACTFUL_GATE_SUITABLE 5

/**
 * The contact policy holds it back.
 */
#define TACTFUL_GATE_CONTACT 6

/**
 * It has no score.
 */
#define TACTFUL_GATE_SCORE 7

/**
 * Its message cannot be written.
 */
#define TACTFUL_GATE_MESSAGE 8

/**
 * Another took the slot.
 */
#define TACTFUL_GATE_OUTRANKED 9

/**
 * It passed.
 */
#define TACTFUL_GATE_CHOSEN 10

/**
 * The host is not sure enough who is there. Passed after consent; its number is the last because it came last.
 */
#define TACTFUL_GATE_ASSURANCE 11

/**
 * An experiment holds it back for the sake of comparison. Passed after the contact policy.
 */
#define TACTFUL_GATE_EXPERIMENT 12

/**
 * There is none left, or no money for it. Passed before the contact policy.
 */
#define TACTFUL_GATE_INVENTORY 13

/**
 * There are not enough items for it to carry. Passed after experiments and before the score.
 */
#define TACTFUL_GATE_ITEMS 14

/**
 * The customer whom an identifier points to, with all identifiers.
 */
#define TACTFUL_ERASE_PERSON 1

/**
 * One identifier, and what was told under it; the rest of the customer stays.
 */
#define TACTFUL_ERASE_IDENTIFIER 2

/**
 * Truth values, a byte each: 0 or 1.
 */
#define TACTFUL_COLUMN_BOOL 1

/**
 * Whole numbers, `int32_t`.
 */
#define TACTFUL_COLUMN_INT32 2

/**
 * Whole numbers, `int64_t`.
 */
#define TACTFUL_COLUMN_INT64 3

/**
 * Numbers, `double`.
 */
#define TACTFUL_COLUMN_DOUBLE 4

/**
 * Instants, `int64_t` microseconds since 1970-01-01T00:00:00Z.
 */
#define TACTFUL_COLUMN_TIME 5

/**
 * Text: `values` are the bytes of all rows, `offsets` are rows + 1 `int32_t` that say where each begins and the last ends.
 */
#define TACTFUL_COLUMN_TEXT 6

/**
 * Text with offsets of `int64_t`.
 */
#define TACTFUL_COLUMN_TEXT64 7

/**
 * Text: `values` are pointers to C strings (`const char *const *`); a null pointer is a null.
 */
#define TACTFUL_COLUMN_STRINGS 8

/**
 * A row that cannot be recorded stops the replay.
 */
#define TACTFUL_BAD_ROWS_STOP 0

/**
 * A row that cannot be recorded is reported in the table "bad_rows", and the replay goes on.
 */
#define TACTFUL_BAD_ROWS_REPORT 1

/**
 * It is known to be true.
 */
#define TACTFUL_TRUTH_TRUE 1

/**
 * It is known to be false.
 */
#define TACTFUL_TRUTH_FALSE 2

/**
 * It depends on facts that are missing.
 */
#define TACTFUL_TRUTH_UNKNOWN 3

/**
 * It cannot be computed.
 */
#define TACTFUL_TRUTH_ERROR 4

/**
 * No such rule or fact.
 */
#define TACTFUL_NO_NUMBER UINT32_MAX

/**
 * The answer to a question, in JSON. Never changes.
 */
typedef struct tactful_answer tactful_answer;

/**
 * All customers of an organisation in memory, found by identifier. Many threads may use one base at the same time, until it is freed:
 * questions run side by side, whatever changes something runs alone.
 */
typedef struct tactful_base tactful_base;

/**
 * State as bytes, to be kept anywhere and read again by this or a later version of the library.
 */
typedef struct tactful_bytes tactful_bytes;

/**
 * One customer as an engine knows them: their story, and what is derived from it.
 */
typedef struct tactful_customer tactful_customer;

/**
 * The answer to a request: for each placement ranked offers with their messages, a fallback, or silence. Never changes.
 */
typedef struct tactful_decision tactful_decision;

/**
 * What recording an event, or letting time pass, caused.
 */
typedef struct tactful_effects tactful_effects;

/**
 * A compiled playbook. Never changes; one is enough for all threads.
 */
typedef struct tactful_engine tactful_engine;

/**
 * Why a call failed. Written to the last argument of a call when that is not null and the call fails; the caller frees it.
 */
typedef struct tactful_error tactful_error;

/**
 * Something that happened, on its way into a story. It can be recorded any number of times, by any engine.
 */
typedef struct tactful_event tactful_event;

/**
 * An expression on its own. Never changes; one is enough for all threads.
 */
typedef struct tactful_expression tactful_expression;

/**
 * Events of many customers, taken in as tables and then walked through in time order.
 */
typedef struct tactful_replay tactful_replay;

/**
 * A question: which placements ask, and what the host knows about this moment. It can be asked any number of times.
 */
typedef struct tactful_request tactful_request;

/**
 * The facts of one customer, prepared for the rules of one tactful_rules, and what the last question found. Facts that were not set are
 * unknown.
 */
typedef struct tactful_row tactful_row;

/**
 * Many named conditions over one schema. Never changes; one is enough for all threads.
 */
typedef struct tactful_rules tactful_rules;

/**
 * What was counted, as it may be read: about at least k customers in every cell, without anybody in it. Never changes.
 */
typedef struct tactful_snapshot tactful_snapshot;

/**
 * Who was erased, for a host that keeps customers itself: hashes under a key that only the host has, each with the instant up to which
 * nothing is taken in again. A base has its own.
 */
typedef struct tactful_tombstones tactful_tombstones;

/**
 * What was counted over many customers, with what each of them contributed, so that it can be replaced and forgotten.
 */
typedef struct tactful_trends tactful_trends;

/**
 * What became of a call: TACTFUL_OK, or the family of its error. New families are added at the end.
 */
typedef int32_t tactful_status;

/**
 * Text in UTF-8.
 *
 * Text that goes in is borrowed for the call only and need not end with NUL; `data` may be null when `len` is 0.
 * Text that comes out is borrowed from the handle it was asked of, until that is changed or freed, and ends with a NUL that
 * `len` does not count; a null `data` says that there is none.
 */
typedef struct tactful_text {
  /**
   * The first byte.
   */
  const char *data;
  /**
   * How many bytes.
   */
  size_t len;
} tactful_text;

/**
 * A mistake in a playbook. Its texts are borrowed from the error or engine that it was asked of.
 */
typedef struct tactful_diagnostic {
  /**
   * A stable code such as "unknown_name".
   */
  struct tactful_text code;
  /**
   * Where in the playbook's structure, such as "offers.diapers_20.eligible".
   */
  struct tactful_text path;
  /**
   * What is wrong.
   */
  struct tactful_text message;
  /**
   * What to do; none when there is no advice.
   */
  struct tactful_text hint;
  /**
   * The name of the document; none when no place is known.
   */
  struct tactful_text document;
  /**
   * The line of text.
   */
  struct tactful_text source;
  /**
   * Its number, from 1; 0 when no place is known.
   */
  uint32_t line;
  /**
   * The column in characters, from 1.
   */
  uint32_t column;
  /**
   * How many characters are meant.
   */
  uint32_t length;
  /**
   * TACTFUL_SEVERITY_ERROR or TACTFUL_SEVERITY_WARNING.
   */
  int32_t severity;
} tactful_diagnostic;

/**
 * A value of a property or fact. Make one with tactful_value_text, tactful_value_int and so on.
 */
typedef struct tactful_value {
  /**
   * TACTFUL_VALUE_TEXT and so on; says which of the others is read.
   */
  int32_t kind;
  /**
   * A whole number, truth value or instant.
   */
  int64_t integer;
  /**
   * A number.
   */
  double number;
  /**
   * Text or decimal.
   */
  struct tactful_text text;
} tactful_value;

/**
 * One thing that changed. Its texts are borrowed from the effects that it was asked of.
 */
typedef struct tactful_effect {
  /**
   * The same for the same cause, however often and in whatever order events arrive.
   */
  struct tactful_text id;
  /**
   * The segment, the journey, the watch, the relation, the reaction or the feedback; why a link was refused; none for customers who
   * were joined or parted.
   */
  struct tactful_text name;
  /**
   * The stage left, or what a watched fact was; none from outside of the journey, or for a segment. Of a link the smaller identifier;
   * of a relation that of the member, or in the first role. Of a reaction the placement.
   */
  struct tactful_text from;
  /**
   * The stage entered, or what a watched fact is; none to outside of the journey, or for a segment. Of a link the larger identifier;
   * of a relation that of the group, or in the second role. Of a reaction the channel.
   */
  struct tactful_text to;
  /**
   * The id of the event that caused it; none when only time passed.
   */
  struct tactful_text cause;
  /**
   * Whom it is about, when the event joined or parted customers or time passed for a whole base; none for the customer to whom the
   * event belongs.
   */
  struct tactful_text customer;
  /**
   * The key of the instance, of a journey that has one; of a reaction or feedback what tells it apart, such as an order.
   */
  struct tactful_text instance;
  /**
   * How a place was taken over: "mapped", "kept", "restarted" or "derived"; of a reaction what triggered it; of a journey that is full the
   * cap over journeys, if it is one; none for everything else.
   */
  struct tactful_text how;
  /**
   * When it happened, in microseconds since 1970-01-01T00:00:00Z.
   */
  int64_t at;
  /**
   * When a reaction was triggered, or feedback given; TACTFUL_NO_TIME for everything else.
   */
  int64_t since;
  /**
   * From when on what a reaction proposes does not stand any more; TACTFUL_NO_TIME for never, and for everything else.
   */
  int64_t not_after;
  /**
   * Which reaction comes first of several, the larger; 0 for everything else.
   */
  int64_t priority;
  /**
   * TACTFUL_EFFECT_SEGMENT_ENTERED and so on.
   */
  int32_t effect;
  /**
   * TACTFUL_KIND_HAPPENED and so on.
   */
  int32_t kind;
} tactful_effect;

/**
 * A named text: a part of a playbook.
 */
typedef struct tactful_document {
  /**
   * The name that diagnostics show, such as a file's.
   */
  struct tactful_text name;
  /**
   * YAML or JSON.
   */
  struct tactful_text text;
} tactful_document;

/**
 * What a placement gets. Its texts are borrowed from the decision.
 */
typedef struct tactful_placement {
  /**
   * The placement.
   */
  struct tactful_text name;
  /**
   * Its channel.
   */
  struct tactful_text channel;
  /**
   * In short: how many candidates there were, and which gates stopped how many.
   */
  struct tactful_text reason;
  /**
   * The message for everybody; none unless `kind` is TACTFUL_ANSWER_FALLBACK.
   */
  struct tactful_text fallback;
  /**
   * How many offers were chosen; 0 unless `kind` is TACTFUL_ANSWER_OFFERS.
   */
  size_t offers;
  /**
   * TACTFUL_ANSWER_OFFERS, TACTFUL_ANSWER_FALLBACK or TACTFUL_ANSWER_SILENCE.
   */
  int32_t kind;
} tactful_placement;

/**
 * An offer that was chosen. Its texts are borrowed from the decision.
 */
typedef struct tactful_offer {
  /**
   * The offer.
   */
  struct tactful_text name;
  /**
   * The rendered message.
   */
  struct tactful_text message;
  /**
   * Propensity x context x value x lever, or what the formula says.
   */
  double score;
  /**
   * How probable it was that the slot went to this offer; NaN unless offers are explored.
   */
  double probability;
  /**
   * When it is to be sent, where quiet hours move it, in microseconds since 1970-01-01T00:00:00Z; TACTFUL_NO_TIME for at once.
   */
  int64_t at;
} tactful_offer;

/**
 * Two texts that belong together: a rule's name and its condition, or a fact's dotted name and its type.
 */
typedef struct tactful_pair {
  /**
   * The name.
   */
  struct tactful_text name;
  /**
   * The condition, or the type, such as "int", "money(EUR)" or "list(string)".
   */
  struct tactful_text text;
} tactful_pair;

/**
 * An offer that waits. Its text is borrowed from the decision.
 */
typedef struct tactful_held {
  /**
   * The offer.
   */
  struct tactful_text offer;
  /**
   * The first instant at which it may be sent, in microseconds since 1970-01-01T00:00:00Z; what else holds then is to be asked then.
   */
  int64_t until;
} tactful_held;

/**
 * The part that the customer has in an experiment. Its texts are borrowed from the decision.
 */
typedef struct tactful_assigned {
  /**
   * The experiment.
   */
  struct tactful_text experiment;
  /**
   * The variant, or "holdout".
   */
  struct tactful_text variant;
} tactful_assigned;

/**
 * What became of one offer for one placement. Its texts are borrowed from the decision.
 */
typedef struct tactful_candidate {
  /**
   * The placement.
   */
  struct tactful_text placement;
  /**
   * The offer.
   */
  struct tactful_text offer;
  /**
   * The name of the gate, such as "eligible".
   */
  struct tactful_text gate_name;
  /**
   * How many reasons there are, see tactful_decision_reason.
   */
  size_t reasons;
  /**
   * How likely the customer responds; the factors count only when `scored`.
   */
  double propensity;
  /**
   * How well it fits the moment.
   */
  double context;
  /**
   * What a response is worth.
   */
  double value;
  /**
   * What the organisation wants to push.
   */
  double lever;
  /**
   * The product of the factors.
   */
  double total;
  /**
   * The first gate that stopped it, TACTFUL_GATE_CONSENT and so on, or TACTFUL_GATE_CHOSEN.
   */
  int32_t gate;
  /**
   * Whether a fact that is not known stopped it, rather than one that is.
   */
  bool unknown;
  /**
   * Whether it came so far that it has a score.
   */
  bool scored;
} tactful_candidate;

/**
 * An answer of a trend.
 */
typedef struct tactful_count {
  /**
   * How many, decayed.
   */
  double count;
  /**
   * The sum, decayed; NaN when the trend sums nothing.
   */
  double sum;
  /**
   * About how many customers it is at least; 0 when there is no answer, because it would be about too few customers or nobody.
   */
  uint64_t customers;
} tactful_count;

/**
 * A column of plain arrays, borrowed for the call. All columns of a table have the same number of rows.
 */
typedef struct tactful_column {
  /**
   * The name.
   */
  struct tactful_text name;
  /**
   * The values, one per row; the bytes of text.
   */
  const void *values;
  /**
   * Where the texts of TACTFUL_COLUMN_TEXT and TACTFUL_COLUMN_TEXT64 begin; null otherwise.
   */
  const void *offsets;
  /**
   * A bit per row, the least significant of each byte first: set where there is a value. Null when there is one everywhere.
   */
  const uint8_t *validity;
  /**
   * TACTFUL_COLUMN_BOOL and so on.
   */
  int32_t kind;
} tactful_column;

/**
 * Says that a column stands for something, where the names differ.
 */
typedef struct tactful_column_role {
  /**
   * "type", "time", "id", "sequence", "known_at", "channel", "source", a namespace, or a property.
   */
  struct tactful_text role;
  /**
   * The name of the column.
   */
  struct tactful_text column;
} tactful_column_role;

/**
 * How a replay goes. Zeroed options only read the events. Everything is copied.
 */
typedef struct tactful_replay_options {
  /**
   * The instants at which every customer known by then gets a decision, in microseconds since 1970-01-01T00:00:00Z.
   */
  const int64_t *decide_at;
  /**
   * How many.
   */
  size_t decide_at_count;
  /**
   * The placements that ask.
   */
  const struct tactful_text *placements;
  /**
   * How many.
   */
  size_t placement_count;
  /**
   * Which columns stand for what, where the names differ.
   */
  const struct tactful_column_role *roles;
  /**
   * How many.
   */
  size_t role_count;
  /**
   * The outcome recorded for every chosen offer, such as "shown"; empty for none.
   */
  struct tactful_text outcome;
  /**
   * TACTFUL_BAD_ROWS_STOP or TACTFUL_BAD_ROWS_REPORT.
   */
  int32_t bad_rows;
  /**
   * What rules that ask what comes next go by: bytes that tactful_base_forecast_to_bytes wrote. Of instants before its own it knows
   * nothing.
   */
  const uint8_t *forecast;
  /**
   * How many bytes; 0 for no forecast.
   */
  size_t forecast_length;
} tactful_replay_options;

/**
 * Counts of a replay.
 */
typedef struct tactful_replay_stats {
  /**
   * Rows read.
   */
  uint64_t rows;
  /**
   * Events recorded from them.
   */
  uint64_t events;
  /**
   * Rows that told an event again.
   */
  uint64_t duplicates;
  /**
   * Rows whose id was told with other content.
   */
  uint64_t conflicts;
  /**
   * Rows that could not be recorded.
   */
  uint64_t bad_rows;
  /**
   * Customers who can be addressed; known after the run.
   */
  uint64_t customers;
  /**
   * Visitors under anonymous identifiers, who are counted but not addressed; known after the run.
   */
  uint64_t anonymous_visitors;
  /**
   * Their events.
   */
  uint64_t anonymous_events;
  /**
   * Decisions made.
   */
  uint64_t decisions;
  /**
   * Events recorded because of decisions.
   */
  uint64_t exposures;
} tactful_replay_stats;

/**
 * It succeeded.
 */
#define TACTFUL_OK 0

/**
 * An argument cannot be used: a null pointer, text that is not UTF-8, NaN, a time out of range, an unknown constant.
 */
#define TACTFUL_INVALID_ARGUMENT 1

/**
 * The playbook does not compile; the error has a diagnostic for every mistake.
 */
#define TACTFUL_INVALID_PLAYBOOK 2

/**
 * The event does not fit the playbook. Nothing was recorded.
 */
#define TACTFUL_INVALID_EVENT 3

/**
 * The request does not fit the playbook.
 */
#define TACTFUL_INVALID_REQUEST 4

/**
 * A table does not fit: a column is missing, a row cannot be recorded, a structure is malformed.
 */
#define TACTFUL_INVALID_DATA 5

/**
 * A defect of this library. Free the handles of the call and do not use them otherwise; the process may go on.
 */
#define TACTFUL_INTERNAL 6

/**
 * A question in JSON cannot be answered.
 */
#define TACTFUL_INVALID_QUERY 7

/**
 * Bytes that are no state, damaged, of a newer format or of another playbook.
 */
#define TACTFUL_INVALID_STATE 8

/**
 * An expression or a rule does not compile; the error has a diagnostic for every mistake.
 */
#define TACTFUL_INVALID_EXPRESSION 9

/**
 * A fact does not fit the schema of an expression or of rules.
 */
#define TACTFUL_INVALID_FACTS 10

/**
 * Trends that do not belong together, or a question that they cannot answer.
 */
#define TACTFUL_INVALID_TRENDS 11

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the interface that the library was built with. A program that loads the library at run time compares it
 * with TACTFUL_ABI_VERSION first.
 *
 * Thread-safe.
 */
uint32_t tactful_abi_version(void);

/**
 * The version of the library, such as "0.1.0", as static text.
 *
 * Thread-safe.
 */
const char *tactful_version(void);

/**
 * The family of an error, as the call returned it. TACTFUL_OK for null.
 *
 * Thread-safe, as are all accessors of errors.
 */
tactful_status tactful_error_status(const struct tactful_error *error);

/**
 * The stable code, such as "undeclared_event_type"; that of the first mistake of a playbook. Borrowed from the error.
 */
struct tactful_text tactful_error_code(const struct tactful_error *error);

/**
 * What it is about: an argument, a part of the event or request such as "properties.amount", a place in the playbook's
 * structure, or a column; empty when it is about no part. Borrowed from the error.
 */
struct tactful_text tactful_error_path(const struct tactful_error *error);

/**
 * What is wrong, and what was expected. Borrowed from the error.
 */
struct tactful_text tactful_error_message(const struct tactful_error *error);

/**
 * The whole error for people: code, path and message on one line, or all mistakes of a playbook as a compiler shows them.
 * Borrowed from the error.
 */
struct tactful_text tactful_error_rendered(const struct tactful_error *error);

/**
 * The number of the row of a table, from 0 over all batches; -1 when it is about no row.
 */
int64_t tactful_error_row(const struct tactful_error *error);

/**
 * How many mistakes of a playbook there are; 0 for other errors.
 */
size_t tactful_error_diagnostic_count(const struct tactful_error *error);

/**
 * Fills `diagnostic` with the mistake at `index`, errors first, then by place; with document, line and column. False, and
 * nothing is written, when there is none. Its texts are borrowed from the error.
 */
bool tactful_error_diagnostic(const struct tactful_error *error,
                              size_t index,
                              struct tactful_diagnostic *diagnostic);

/**
 * Frees an error. Null is ignored.
 */
void tactful_error_free(struct tactful_error *error);

/**
 * Makes an event: its type, when it happened (microseconds since 1970-01-01T00:00:00Z) and whose it is, written
 * "namespace:value". The caller frees it with tactful_event_free.
 *
 * Attributes are told as "attribute_set" with the properties "attribute" and "value", consent as "consent_given" and
 * "consent_withdrawn" with "purpose". Whether the type and the properties are declared is checked when it is recorded.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_event_new(struct tactful_text event_type,
                                 int64_t time_micros,
                                 struct tactful_text identifier,
                                 struct tactful_event **event,
                                 struct tactful_error **error);

/**
 * Makes an event from a JSON object with "type", "time" (RFC 3339), "identifier" or "identifiers", and optionally "id",
 * "sequence", "known_at", "channel", "source" and "properties". The caller frees it with tactful_event_free.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT for a null pointer or broken UTF-8, with TACTFUL_INVALID_EVENT for other
 * JSON.
 */
tactful_status tactful_event_from_json(struct tactful_text json,
                                       struct tactful_event **event,
                                       struct tactful_error **error);

/**
 * Sets a property, or unsets it with TACTFUL_VALUE_NONE. The value is copied. tactful_event_set_text and its likes are short for
 * this.
 *
 * Not thread-safe for one event, as are all setters. Fails with TACTFUL_INVALID_ARGUMENT; the event is as before then.
 */
tactful_status tactful_event_set(struct tactful_event *event,
                                 struct tactful_text property,
                                 struct tactful_value value,
                                 struct tactful_error **error);

/**
 * Sets the id, by which telling an event twice counts once. Without one its content stands for it.
 *
 * Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_event_set_id(struct tactful_event *event,
                                    struct tactful_text id,
                                    struct tactful_error **error);

/**
 * Sets the number that orders events of one instant; 0 otherwise.
 *
 * Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_event_set_sequence(struct tactful_event *event,
                                          int64_t sequence,
                                          struct tactful_error **error);

/**
 * Sets when the host learned of the event; when it happened otherwise.
 *
 * Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_event_set_known_at(struct tactful_event *event,
                                          int64_t known_at_micros,
                                          struct tactful_error **error);

/**
 * Sets the channel that the event came through.
 *
 * Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_event_set_channel(struct tactful_event *event,
                                         struct tactful_text channel,
                                         struct tactful_error **error);

/**
 * Sets who told of the event.
 *
 * Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_event_set_source(struct tactful_event *event,
                                        struct tactful_text source,
                                        struct tactful_error **error);

/**
 * Sets under which circumstances the event happened, or unsets it with TACTFUL_VALUE_NONE: "device", "campaign", "referrer",
 * "page", "country", "region", "city", "postal_code", "store" and "origin" ("stated", "observed", "inferred", "third_party")
 * take text, "confidence" a number from 0 to 1, "point" text such as "52.52,13.405". All may be left out.
 *
 * Fails with TACTFUL_INVALID_ARGUMENT, and with TACTFUL_INVALID_EVENT for another name or a value that does not fit; the event
 * is as before then.
 */
tactful_status tactful_event_set_detail(struct tactful_event *event,
                                        struct tactful_text detail,
                                        struct tactful_value value,
                                        struct tactful_error **error);

/**
 * Adds an identifier under which the customer is known as well, or the second one of "linked" and "unlinked".
 *
 * Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_event_add_identifier(struct tactful_event *event,
                                            struct tactful_text identifier,
                                            struct tactful_error **error);

/**
 * Frees an event. Null is ignored.
 */
void tactful_event_free(struct tactful_event *event);

/**
 * Makes a customer of whom nothing is known yet but an identifier, written "namespace:value". The caller frees it with
 * tactful_customer_free; it may outlive the engine.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT, or TACTFUL_INVALID_EVENT for an undeclared namespace.
 */
tactful_status tactful_customer_new(const struct tactful_engine *engine,
                                    struct tactful_text identifier,
                                    struct tactful_customer **customer,
                                    struct tactful_error **error);

/**
 * The customer's id: the smallest identifier. Borrowed from the customer until something is recorded. None for null.
 *
 * Thread-safe, as long as nothing is recorded meanwhile.
 */
struct tactful_text tactful_customer_id(const struct tactful_customer *customer);

/**
 * How many events are known. 0 for null.
 *
 * Thread-safe, as long as nothing is recorded meanwhile.
 */
size_t tactful_customer_len(const struct tactful_customer *customer);

/**
 * Frees a customer. Null is ignored.
 */
void tactful_customer_free(struct tactful_customer *customer);

/**
 * What became of the event itself: TACTFUL_ARRIVAL_NEW and so on. TACTFUL_ARRIVAL_NONE for null.
 *
 * Thread-safe, as are all accessors of effects.
 */
int32_t tactful_effects_arrival(const struct tactful_effects *effects);

/**
 * How many things changed. 0 for null.
 */
size_t tactful_effects_count(const struct tactful_effects *effects);

/**
 * Fills `effect` with what changed at `index`, in the order in which it happened, what was withdrawn first. False, and nothing
 * is written, when there is none. Its texts are borrowed from the effects.
 */
bool tactful_effects_get(const struct tactful_effects *effects,
                         size_t index,
                         struct tactful_effect *effect);

/**
 * Frees effects. Null is ignored.
 */
void tactful_effects_free(struct tactful_effects *effects);

/**
 * Compiles a playbook of `count` documents, a base and its parts. The documents are copied; the caller frees the engine with
 * tactful_engine_free.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_PLAYBOOK and all mistakes of all documents, or TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_engine_compile(const struct tactful_document *documents,
                                      size_t count,
                                      struct tactful_engine **engine,
                                      struct tactful_error **error);

/**
 * Compiles a playbook whose documents have up to `bytes` bytes each, with values in proportion: for very many offers.
 * tactful_engine_compile takes 4 MiB.
 *
 * Thread-safe. Fails as tactful_engine_compile does.
 */
tactful_status tactful_engine_compile_within(const struct tactful_document *documents,
                                             size_t count,
                                             size_t bytes,
                                             struct tactful_engine **engine,
                                             struct tactful_error **error);

/**
 * The digest of the playbook: 64 hexadecimal digits, equal for playbooks that decide alike. Borrowed from the engine. None for
 * null.
 *
 * Thread-safe.
 */
struct tactful_text tactful_engine_digest(const struct tactful_engine *engine);

/**
 * How many things in the playbook are probably not meant, although it compiles. 0 for null.
 *
 * Thread-safe.
 */
size_t tactful_engine_warning_count(const struct tactful_engine *engine);

/**
 * Fills `warning` with the warning at `index`. False, and nothing is written, when there is none. Its texts are borrowed from
 * the engine.
 *
 * Thread-safe.
 */
bool tactful_engine_warning(const struct tactful_engine *engine,
                            size_t index,
                            struct tactful_diagnostic *warning);

/**
 * Puts an event into a customer's story. An event told twice changes nothing; a late one takes its place in time. `effects` may
 * be null; the caller frees what is written there with tactful_effects_free.
 *
 * The engine and event may be shared between threads, the customer not. Fails with TACTFUL_INVALID_EVENT or
 * TACTFUL_INVALID_ARGUMENT; nothing is changed then.
 */
tactful_status tactful_engine_record(const struct tactful_engine *engine,
                                     struct tactful_customer *customer,
                                     const struct tactful_event *event,
                                     struct tactful_effects **effects,
                                     struct tactful_error **error);

/**
 * Records what came of a decision for the customer it was made for: `outcome` is "shown", "clicked", "rejected" … and is told
 * for every chosen offer. Telling it twice counts once. `effects` may be null; the caller frees what is written there.
 *
 * The engine and decision may be shared between threads, the customer not. Fails with TACTFUL_INVALID_ARGUMENT for an
 * unknown outcome or another customer, or with TACTFUL_INVALID_EVENT; nothing is changed then.
 */
tactful_status tactful_engine_record_outcome(const struct tactful_engine *engine,
                                             struct tactful_customer *customer,
                                             const struct tactful_decision *decision,
                                             struct tactful_text outcome,
                                             int64_t time_micros,
                                             struct tactful_effects **effects,
                                             struct tactful_error **error);

/**
 * Lets time pass for a customer up to `now` and tells what changed without an event. `effects` may be null; the caller frees what
 * is written there.
 *
 * The engine may be shared between threads, the customer not. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_engine_advance(const struct tactful_engine *engine,
                                      struct tactful_customer *customer,
                                      int64_t now_micros,
                                      struct tactful_effects **effects,
                                      struct tactful_error **error);

/**
 * Folds events of a customer that are older than the playbook keeps them at `horizon` into exact totals, after letting time pass up
 * to there. `count` (how many were folded) and `effects` may be null; the caller frees the effects.
 *
 * The engine may be shared between threads, the customer not. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_engine_fold(const struct tactful_engine *engine,
                                   struct tactful_customer *customer,
                                   int64_t horizon_micros,
                                   uint64_t *count,
                                   struct tactful_effects **effects,
                                   struct tactful_error **error);

/**
 * The first instant after everything derived so far at which something may change without an event, in microseconds since
 * 1970; TACTFUL_NO_TIME when nothing will, and for null.
 *
 * Thread-safe, as long as nothing is recorded meanwhile.
 */
int64_t tactful_engine_next_due(const struct tactful_engine *engine,
                                const struct tactful_customer *customer);

/**
 * Decides what a customer should see at `now`, or that silence is better. Events later than `now`, or known later than
 * `known_at`, are not seen; TACTFUL_NO_TIME for `known_at` stands for `now`. Nothing is changed. The caller frees the decision with
 * tactful_decision_free.
 *
 * Thread-safe, as long as nothing is recorded for the customer meanwhile. Fails with TACTFUL_INVALID_REQUEST or
 * TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_engine_decide(const struct tactful_engine *engine,
                                     const struct tactful_customer *customer,
                                     const struct tactful_request *request,
                                     int64_t now_micros,
                                     int64_t known_at_micros,
                                     struct tactful_decision **decision,
                                     struct tactful_error **error);

/**
 * The same decision as of tactful_engine_decide, with the reasons for every candidate.
 *
 * Ownership, threads and errors are as there.
 */
tactful_status tactful_engine_explain(const struct tactful_engine *engine,
                                      const struct tactful_customer *customer,
                                      const struct tactful_request *request,
                                      int64_t now_micros,
                                      int64_t known_at_micros,
                                      struct tactful_decision **decision,
                                      struct tactful_error **error);

/**
 * The same decision with other customers who are related to this one: rules may read of them, and caps may count their contacts. Give
 * the household or account with all its members, and whoever else may be related; who is related to whom is read out of the stories
 * of them all. With tactful_engine_decide everything that rules read of others is unknown.
 *
 * Thread-safe, as long as nothing is recorded for any of the customers meanwhile. The caller frees the decision with
 * tactful_decision_free. Fails with TACTFUL_INVALID_REQUEST or TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_engine_decide_among(const struct tactful_engine *engine,
                                           const struct tactful_customer *customer,
                                           const struct tactful_customer *const *related,
                                           size_t related_count,
                                           const struct tactful_request *request,
                                           int64_t now_micros,
                                           int64_t known_at_micros,
                                           struct tactful_decision **decision,
                                           struct tactful_error **error);

/**
 * The same decision as of tactful_engine_decide_among, with the reasons for every candidate.
 *
 * Ownership, threads and errors are as there.
 */
tactful_status tactful_engine_explain_among(const struct tactful_engine *engine,
                                            const struct tactful_customer *customer,
                                            const struct tactful_customer *const *related,
                                            size_t related_count,
                                            const struct tactful_request *request,
                                            int64_t now_micros,
                                            int64_t known_at_micros,
                                            struct tactful_decision **decision,
                                            struct tactful_error **error);

/**
 * Frees an engine. Customers, bases and replays made with it stay usable. Null is ignored.
 */
void tactful_engine_free(struct tactful_engine *engine);

/**
 * Makes a question without placements yet. The caller frees it with tactful_request_free.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_request_new(struct tactful_request **request, struct tactful_error **error);

/**
 * Adds a placement that asks; they are filled in this order.
 *
 * Not thread-safe for one request, as are all its setters. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_request_add_placement(struct tactful_request *request,
                                             struct tactful_text placement,
                                             struct tactful_error **error);

/**
 * Sets a fact that the playbook declares under "request", or unsets it with TACTFUL_VALUE_NONE. The value is copied.
 * tactful_request_set_text and its likes are short for this.
 *
 * Fails with TACTFUL_INVALID_ARGUMENT; the request is as before then.
 */
tactful_status tactful_request_set(struct tactful_request *request,
                                   struct tactful_text fact,
                                   struct tactful_value value,
                                   struct tactful_error **error);

/**
 * Says how sure the host is who is there: TACTFUL_ASSURANCE_ANONYMOUS, TACTFUL_ASSURANCE_RECOGNISED (when never said) or
 * TACTFUL_ASSURANCE_AUTHENTICATED.
 *
 * Fails with TACTFUL_INVALID_ARGUMENT for another number; the request is as before then.
 */
tactful_status tactful_request_set_assurance(struct tactful_request *request,
                                             int32_t assurance,
                                             struct tactful_error **error);

/**
 * Sets a number of a column for an offer, for factors that the playbook takes out of that column. NaN and infinities count as unknown.
 *
 * Fails with TACTFUL_INVALID_ARGUMENT; the request is as before then. Deciding fails with TACTFUL_INVALID_REQUEST for a column or an
 * offer that the playbook does not know.
 */
tactful_status tactful_request_set_score(struct tactful_request *request,
                                         struct tactful_text column,
                                         struct tactful_text offer,
                                         double number,
                                         struct tactful_error **error);

/**
 * Sets what exploration draws follow from: the same seed, customer and instant give the same draws. 0 when never set.
 *
 * Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_request_set_seed(struct tactful_request *request,
                                        uint64_t seed,
                                        struct tactful_error **error);

/**
 * Sets the reaction that the question answers: only its offers are looked at, on its placement when none was added.
 *
 * Fails with TACTFUL_INVALID_ARGUMENT. Deciding fails with TACTFUL_INVALID_REQUEST for a reaction that the playbook does not know.
 */
tactful_status tactful_request_set_reaction(struct tactful_request *request,
                                            struct tactful_text reaction,
                                            struct tactful_error **error);

/**
 * Sets what was counted over many customers, for learned factors and rules that read trends; null for nothing. The snapshot may be freed
 * before the request.
 *
 * Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_request_set_trends(struct tactful_request *request,
                                          const struct tactful_snapshot *snapshot,
                                          struct tactful_error **error);

/**
 * Takes what a base learned about what comes next (tactful_base_learn), for rules that ask that of a customer who is not kept in the base;
 * null for nothing. The base may be freed before the request, and what it learns later is not seen.
 *
 * Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_request_set_forecast(struct tactful_request *request,
                                            const struct tactful_base *base,
                                            struct tactful_error **error);

/**
 * Takes a forecast out of `length` bytes that tactful_base_forecast_to_bytes (or another binding) wrote, under a playbook that counts
 * alike; the bytes are borrowed for the call only. Length 0 is for nothing.
 *
 * Fails with TACTFUL_INVALID_STATE for bytes that are damaged or were counted by another playbook, or with TACTFUL_INVALID_ARGUMENT; the
 * request is as before then.
 */
tactful_status tactful_request_set_forecast_bytes(struct tactful_request *request,
                                                  const struct tactful_engine *engine,
                                                  const uint8_t *data,
                                                  size_t length,
                                                  struct tactful_error **error);

/**
 * Says on which identifier the customer of tactful_engine_decide is met, for consents that bind to one and for somebody anonymous; in
 * the form that the engine's playbook gives it. tactful_base_decide takes the identifier that it is asked with.
 *
 * Fails with TACTFUL_INVALID_EVENT for an undeclared namespace or another form, or with TACTFUL_INVALID_ARGUMENT; the request is as
 * before then.
 */
tactful_status tactful_request_met_on(struct tactful_request *request,
                                      const struct tactful_engine *engine,
                                      struct tactful_text identifier,
                                      struct tactful_error **error);

/**
 * Frees a request. Null is ignored.
 */
void tactful_request_free(struct tactful_request *request);

/**
 * The decision's id, the same for the same playbook, customer, instants and request. Borrowed from the decision. None for null.
 *
 * Thread-safe, as are all accessors of decisions.
 */
struct tactful_text tactful_decision_id(const struct tactful_decision *decision);

/**
 * The customer's id. Borrowed from the decision. None for null.
 */
struct tactful_text tactful_decision_customer(const struct tactful_decision *decision);

/**
 * The instant of the question, in microseconds since 1970-01-01T00:00:00Z. TACTFUL_NO_TIME for null.
 */
int64_t tactful_decision_now(const struct tactful_decision *decision);

/**
 * How many placements asked. 0 for null.
 */
size_t tactful_decision_placement_count(const struct tactful_decision *decision);

/**
 * Fills `placement` with the answer at `index`, in the order asked. False, and nothing is written, when there is none. Its texts
 * are borrowed from the decision.
 */
bool tactful_decision_placement(const struct tactful_decision *decision,
                                size_t index,
                                struct tactful_placement *placement);

/**
 * Fills `offer` with the offer in a slot, from 0, of the placement at `index`, best first. False, and nothing is written, when there
 * is none. Its texts are borrowed from the decision.
 */
bool tactful_decision_offer(const struct tactful_decision *decision,
                            size_t index,
                            size_t slot,
                            struct tactful_offer *offer);

/**
 * Fills `header` with what goes on a single line with the message of an offer, such as the name "subject" and its text, in the order of
 * their names. False, and nothing is written, when there is none at `header_index`. Its texts are borrowed from the decision.
 */
bool tactful_decision_header(const struct tactful_decision *decision,
                             size_t index,
                             size_t slot,
                             size_t header_index,
                             struct tactful_pair *header);

/**
 * A line, from 0, of why an offer is made, for whoever speaks to the customer; only on channels of the format "script". Borrowed from the
 * decision. None when there is no such line.
 */
struct tactful_text tactful_decision_why(const struct tactful_decision *decision,
                                         size_t index,
                                         size_t slot,
                                         size_t line);

/**
 * Fills `held` with an offer that quiet hours hold back in the placement at `index`, from 0. False, and nothing is written, when there is
 * none at `held_index`. Its text is borrowed from the decision.
 */
bool tactful_decision_held(const struct tactful_decision *decision,
                           size_t index,
                           size_t held_index,
                           struct tactful_held *held);

/**
 * Fills `assigned` with the part that the customer has in an experiment that had a say, in the order of the playbook. False, and
 * nothing is written, when there is none at `index`. Its texts are borrowed from the decision. Recording the outcome `decided` or
 * `shown` records these parts too: the customer keeps them from then on.
 */
bool tactful_decision_assigned(const struct tactful_decision *decision,
                               size_t index,
                               struct tactful_assigned *assigned);

/**
 * How many candidates were explained, over all placements; 0 for null, and unless the decision came from
 * tactful_engine_explain or tactful_base_explain.
 */
size_t tactful_decision_candidate_count(const struct tactful_decision *decision);

/**
 * Fills `candidate` with what became of the candidate at `index`, in the order of placements, then of the playbook. False, and
 * nothing is written, when there is none. Its texts are borrowed from the decision.
 */
bool tactful_decision_candidate(const struct tactful_decision *decision,
                                size_t index,
                                struct tactful_candidate *candidate);

/**
 * A reason, from 0, for what became of the candidate at `index`: a sentence with the values that were read. Borrowed from the
 * decision. None when there is no such reason.
 */
struct tactful_text tactful_decision_reason(const struct tactful_decision *decision,
                                            size_t index,
                                            size_t reason);

/**
 * The explanation for people, many lines. Borrowed from the decision. None unless the decision was explained.
 */
struct tactful_text tactful_decision_trace(const struct tactful_decision *decision);

/**
 * The decision as canonical JSON: the same bytes for the same decision in every language, with all that has no function of its own: the items
 * that an offer carries, terms, tags, the length of an SMS. Borrowed from the decision. None for
 * null.
 */
struct tactful_text tactful_decision_to_json(const struct tactful_decision *decision);

/**
 * Frees a decision. Null is ignored.
 */
void tactful_decision_free(struct tactful_decision *decision);

/**
 * Makes an empty customer base. The caller frees it with tactful_base_free; it may outlive the engine.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_base_new(const struct tactful_engine *engine,
                                struct tactful_base **base,
                                struct tactful_error **error);

/**
 * Records an event for the customer whom its identifiers point to, who is made when nobody is known by them. "linked" joins the
 * customers of its two identifiers, "unlinked" takes that back. `effects` may be null; the caller frees what is written there.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_EVENT or TACTFUL_INVALID_ARGUMENT; nothing is changed then.
 */
tactful_status tactful_base_record(struct tactful_base *base,
                                   const struct tactful_event *event,
                                   struct tactful_effects **effects,
                                   struct tactful_error **error);

/**
 * Records what came of a decision, as tactful_engine_record_outcome does, for the customer it was made for.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT for an unknown outcome, or with TACTFUL_INVALID_EVENT; nothing
 * is changed then.
 */
tactful_status tactful_base_record_outcome(struct tactful_base *base,
                                           const struct tactful_decision *decision,
                                           struct tactful_text outcome,
                                           int64_t time_micros,
                                           struct tactful_effects **effects,
                                           struct tactful_error **error);

/**
 * Folds events of all customers that are older than the playbook keeps them at `horizon`, as tactful_engine_fold does. `count` (how
 * many were folded) and `effects` may be null; the caller frees the effects.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_base_fold(struct tactful_base *base,
                                 int64_t horizon_micros,
                                 uint64_t *count,
                                 struct tactful_effects **effects,
                                 struct tactful_error **error);

/**
 * Lets time pass up to `now` for all customers and tells what changed without an event, in the order in which it happened; `customer` of
 * each effect says whom it is about. `effects` may be null; the caller frees what is written there.
 *
 * Thread-safe. Takes time in proportion to the number of customers. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_base_advance(struct tactful_base *base,
                                    int64_t now_micros,
                                    struct tactful_effects **effects,
                                    struct tactful_error **error);

/**
 * The first instant at which something may change for any customer without an event, in microseconds since 1970: when to call
 * tactful_base_advance. TACTFUL_NO_TIME when nothing will, and for null. The question "customers" says for whom.
 *
 * Thread-safe. Takes time in proportion to the number of customers.
 */
int64_t tactful_base_next_due(const struct tactful_base *base);

/**
 * Gives a copy of the customer whom an identifier points to, for the functions that take a customer; nothing that is done to it changes
 * the base. Null is written when nobody is known by it. The caller frees it with tactful_customer_free.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_base_find(const struct tactful_base *base,
                                 struct tactful_text identifier,
                                 struct tactful_customer **customer,
                                 struct tactful_error **error);

/**
 * Counts what came next for all customers as of `at`, and keeps what that says for decisions and the question "next", until it learns
 * again. Only steps of `since` or later count, all with TACTFUL_NO_TIME. Rules that ask what comes next are unknown before, and at
 * instants before `at`.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_QUERY for a period that ends before it begins, or with
 * TACTFUL_INVALID_ARGUMENT; nothing is changed then.
 */
tactful_status tactful_base_learn(struct tactful_base *base,
                                  int64_t at_micros,
                                  int64_t since_micros,
                                  struct tactful_error **error);

/**
 * Decides for the customer whom an identifier points to; somebody unknown is a customer without events. The rest is as for
 * tactful_engine_decide. The caller frees the decision with tactful_decision_free.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_REQUEST, also for an identifier of an undeclared
 * namespace, or with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_base_decide(const struct tactful_base *base,
                                   struct tactful_text identifier,
                                   const struct tactful_request *request,
                                   int64_t now_micros,
                                   int64_t known_at_micros,
                                   struct tactful_decision **decision,
                                   struct tactful_error **error);

/**
 * The same decision as of tactful_base_decide, with the reasons for every candidate.
 *
 * Ownership, threads and errors are as there.
 */
tactful_status tactful_base_explain(const struct tactful_base *base,
                                    struct tactful_text identifier,
                                    const struct tactful_request *request,
                                    int64_t now_micros,
                                    int64_t known_at_micros,
                                    struct tactful_decision **decision,
                                    struct tactful_error **error);

/**
 * Decides for the customer whom an identifier points to, and holds what was chosen for them, all slots or none, until it is confirmed,
 * released or over. Records "decided" and "reserved". Caps and inventory are exact, however many threads do this: deciding, checking and
 * counting are one step. `reserve_for_micros` is how long it holds; TACTFUL_NO_TIME for what the playbook declares. `expires_micros`, when
 * it is over, may be null. The caller frees the decision with tactful_decision_free.
 *
 * Thread-safe. When an outcome of the customer is recorded at `now_micros` or up to an hour later, the decision is of the instant after that.
 * Fails with TACTFUL_INVALID_REQUEST, with the code "not_in_order" when that is farther off, or with TACTFUL_INVALID_ARGUMENT; nothing is
 * changed then.
 */
tactful_status tactful_base_reserve(struct tactful_base *base,
                                    struct tactful_text identifier,
                                    const struct tactful_request *request,
                                    int64_t now_micros,
                                    int64_t reserve_for_micros,
                                    struct tactful_decision **decision,
                                    int64_t *expires_micros,
                                    struct tactful_error **error);

/**
 * Takes for good what tactful_base_reserve held: records "confirmed", and what came of it, such as "shown" or "accepted". `decision` is the
 * id of the decision; of its offers only `offer`, or all when that is null. `effects` may be null; the caller frees what is written there.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_REQUEST and the code "unknown_decision", "not_reserved", "already_confirmed", "already_released",
 * "expired_decision", "not_decided" or "unknown_outcome", or with TACTFUL_INVALID_ARGUMENT; nothing is changed then.
 */
tactful_status tactful_base_confirm(struct tactful_base *base,
                                    struct tactful_text identifier,
                                    struct tactful_text decision,
                                    struct tactful_text offer,
                                    struct tactful_text outcome,
                                    int64_t now_micros,
                                    struct tactful_effects **effects,
                                    struct tactful_error **error);

/**
 * Gives back what tactful_base_reserve held: records "released".
 *
 * Arguments and threads are as for tactful_base_confirm. Fails as that does.
 */
tactful_status tactful_base_release(struct tactful_base *base,
                                    struct tactful_text identifier,
                                    struct tactful_text decision,
                                    struct tactful_text offer,
                                    int64_t now_micros,
                                    struct tactful_effects **effects,
                                    struct tactful_error **error);

/**
 * Records what came of a decision that was recorded before, such as "clicked", for the very slots that were decided. Telling it twice
 * counts once.
 *
 * Arguments and threads are as for tactful_base_confirm. Fails with TACTFUL_INVALID_REQUEST and the code "unknown_decision",
 * "expired_decision", "not_decided" or "unknown_outcome", or with TACTFUL_INVALID_ARGUMENT; nothing is changed then.
 */
tactful_status tactful_base_feedback(struct tactful_base *base,
                                     struct tactful_text identifier,
                                     struct tactful_text decision,
                                     struct tactful_text offer,
                                     struct tactful_text outcome,
                                     int64_t now_micros,
                                     struct tactful_effects **effects,
                                     struct tactful_error **error);

/**
 * How many customers there are. 0 for null.
 *
 * Thread-safe.
 */
size_t tactful_base_len(const struct tactful_base *base);

/**
 * Frees a customer base. Null is ignored.
 */
void tactful_base_free(struct tactful_base *base);

/**
 * Answers a question in JSON, such as {"query": "describe"}, about the playbook or about a customer; `customer` may be null when the
 * question is about no customer. docs/queries.md lists the questions. Nothing is changed. The caller frees the answer with
 * tactful_answer_free.
 *
 * Thread-safe, as long as nothing is recorded for the customer meanwhile. Fails with TACTFUL_INVALID_QUERY or
 * TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_engine_query(const struct tactful_engine *engine,
                                    const struct tactful_customer *customer,
                                    struct tactful_text question,
                                    struct tactful_answer **answer,
                                    struct tactful_error **error);

/**
 * Answers a question in JSON about the playbook, or about the customer whom its "identifier" points to; somebody unknown is a customer
 * without events. The rest is as for tactful_engine_query.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_QUERY or TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_base_query(const struct tactful_base *base,
                                  struct tactful_text question,
                                  struct tactful_answer **answer,
                                  struct tactful_error **error);

/**
 * The answer as a JSON object. Borrowed from the answer. None for null.
 *
 * Thread-safe.
 */
struct tactful_text tactful_answer_to_json(const struct tactful_answer *answer);

/**
 * Frees an answer. Null is ignored.
 */
void tactful_answer_free(struct tactful_answer *answer);

/**
 * Erases the customer whom an identifier points to (TACTFUL_ERASE_PERSON), or that identifier alone (TACTFUL_ERASE_IDENTIFIER): story,
 * totals and links. Events up to `at_micros`, or known by then, are refused from then on with the code "erased", by a hash of the
 * identifier under `key`, at least 16 bytes that the host keeps; all erasures of a base have one key, borrowed for the call only. The
 * receipt is JSON that names nobody; the caller frees it with tactful_answer_free. `effects` may be null; the caller frees what is
 * written there: what changed for others.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_EVENT for the identifier or the key, or with TACTFUL_INVALID_ARGUMENT; nothing
 * is changed then.
 */
tactful_status tactful_base_erase(struct tactful_base *base,
                                  struct tactful_text identifier,
                                  int32_t scope,
                                  int64_t at_micros,
                                  const uint8_t *key,
                                  size_t key_length,
                                  struct tactful_answer **receipt,
                                  struct tactful_effects **effects,
                                  struct tactful_error **error);

/**
 * Gives a base out of bytes the key of its erasures, which the bytes do not hold. Without it events up to the last erasure are refused
 * with the code "erasure_key". The key is borrowed for the call only.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_EVENT for a key that is too short or not theirs, or with
 * TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_base_unlock(struct tactful_base *base,
                                   const uint8_t *key,
                                   size_t key_length,
                                   struct tactful_error **error);

/**
 * Makes tombstones of nobody yet, under a key of at least 16 bytes, borrowed for the call only. The caller frees them with
 * tactful_tombstones_free.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_EVENT for a key that is too short, or with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_tombstones_new(const uint8_t *key,
                                      size_t key_length,
                                      struct tactful_tombstones **tombstones,
                                      struct tactful_error **error);

/**
 * Erases a customer who is kept outside of a base: sets a tombstone for each of their identifiers, and leaves the customer without
 * events. Ask tactful_tombstones_check before an event is recorded, and drop what else is kept of them, such as their bytes. The
 * receipt is JSON that names nobody; the caller frees it with tactful_answer_free.
 *
 * Not thread-safe for the same customer or the same tombstones. Fails with TACTFUL_INVALID_EVENT for a customer of another playbook,
 * or with TACTFUL_INVALID_ARGUMENT; nothing is changed then.
 */
tactful_status tactful_engine_erase(const struct tactful_engine *engine,
                                    struct tactful_customer *customer,
                                    int64_t at_micros,
                                    struct tactful_tombstones *tombstones,
                                    struct tactful_answer **receipt,
                                    struct tactful_error **error);

/**
 * Refuses an event about a customer who was erased after it.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_EVENT, with the code "erased" or for an identifier, or with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_tombstones_check(const struct tactful_tombstones *tombstones,
                                        const struct tactful_engine *engine,
                                        const struct tactful_event *event,
                                        struct tactful_error **error);

/**
 * How many identifiers were erased. 0 for null.
 *
 * Thread-safe.
 */
size_t tactful_tombstones_len(const struct tactful_tombstones *tombstones);

/**
 * Writes tombstones as bytes, without their key. The caller frees them with tactful_bytes_free.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_tombstones_to_bytes(const struct tactful_tombstones *tombstones,
                                           struct tactful_bytes **bytes,
                                           struct tactful_error **error);

/**
 * Makes tombstones out of `length` bytes that tactful_tombstones_to_bytes wrote, and their key; both are borrowed for the call only.
 * The caller frees them with tactful_tombstones_free.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_STATE for bytes that are damaged or of a newer format, with the code "erasure_key" for
 * another key, or with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_tombstones_from_bytes(const uint8_t *data,
                                             size_t length,
                                             const uint8_t *key,
                                             size_t key_length,
                                             struct tactful_tombstones **tombstones,
                                             struct tactful_error **error);

/**
 * Frees tombstones. Null is ignored.
 */
void tactful_tombstones_free(struct tactful_tombstones *tombstones);

/**
 * Writes a customer as bytes: the story, and up to when its effects were told. Equal stories under equal playbooks give equal
 * bytes, in whatever order their events arrived. The caller frees them with tactful_bytes_free.
 *
 * Thread-safe, as long as nothing is recorded meanwhile. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_customer_to_bytes(const struct tactful_customer *customer,
                                         struct tactful_bytes **bytes,
                                         struct tactful_error **error);

/**
 * Makes a customer out of `length` bytes that tactful_customer_to_bytes wrote, under the engine's playbook or another version of
 * it; the bytes are borrowed for the call only. The caller frees the customer with tactful_customer_free.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_STATE for bytes that are damaged, of a newer format or of another playbook, or with
 * TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_customer_from_bytes(const struct tactful_engine *engine,
                                           const uint8_t *data,
                                           size_t length,
                                           struct tactful_customer **customer,
                                           struct tactful_error **error);

/**
 * Writes a whole base as bytes: all stories, and what was told about links between identifiers. The caller frees them with
 * tactful_bytes_free.
 *
 * Thread-safe, as long as nothing is recorded meanwhile. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_base_to_bytes(const struct tactful_base *base,
                                     struct tactful_bytes **bytes,
                                     struct tactful_error **error);

/**
 * Makes a base out of `length` bytes that tactful_base_to_bytes wrote; the bytes are borrowed for the call only. The caller frees
 * the base with tactful_base_free.
 *
 * Thread-safe. Fails as tactful_customer_from_bytes does.
 */
tactful_status tactful_base_from_bytes(const struct tactful_engine *engine,
                                       const uint8_t *data,
                                       size_t length,
                                       struct tactful_base **base,
                                       struct tactful_error **error);

/**
 * Writes what a base last learned about what comes next (tactful_base_learn) as bytes, for requests and replays elsewhere: no bytes when
 * it never did. They hold no number about few customers. The caller frees them with tactful_bytes_free.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_base_forecast_to_bytes(const struct tactful_base *base,
                                              struct tactful_bytes **bytes,
                                              struct tactful_error **error);

/**
 * The first of the bytes, borrowed until they are freed. Null for null.
 *
 * Thread-safe.
 */
const uint8_t *tactful_bytes_data(const struct tactful_bytes *bytes);

/**
 * How many bytes there are. 0 for null.
 *
 * Thread-safe.
 */
size_t tactful_bytes_len(const struct tactful_bytes *bytes);

/**
 * Frees bytes. Null is ignored.
 */
void tactful_bytes_free(struct tactful_bytes *bytes);

/**
 * Makes trends of nobody yet, for what the engine's playbook counts. The caller frees them with tactful_trends_free; they may outlive
 * the engine.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_trends_new(const struct tactful_engine *engine,
                                  struct tactful_trends **trends,
                                  struct tactful_error **error);

/**
 * Counts a customer, in place of what they contributed before under any of their identifiers.
 *
 * Not thread-safe for the same trends. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_trends_observe(struct tactful_trends *trends,
                                      const struct tactful_customer *customer,
                                      struct tactful_error **error);

/**
 * Counts the customer of a base to whom an identifier points, as tactful_trends_observe does; all customers of the base when
 * `identifier` is empty. Somebody unknown is not counted.
 *
 * Not thread-safe for the same trends. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_trends_observe_base(struct tactful_trends *trends,
                                           const struct tactful_base *base,
                                           struct tactful_text identifier,
                                           struct tactful_error **error);

/**
 * Counts something that nobody known said or did, such as a review, a mention or press: one voice, by its id, told again it replaces what
 * was counted. Identifiers are not looked at.
 *
 * Not thread-safe for the same trends. Fails with TACTFUL_INVALID_ARGUMENT, and with TACTFUL_INVALID_EVENT for an event without an id, or
 * that does not fit the playbook.
 */
tactful_status tactful_trends_hear(struct tactful_trends *trends,
                                   const struct tactful_event *event,
                                   struct tactful_error **error);

/**
 * Takes back what a customer, by their id, contributed. `forgotten` (may be null) says whether there was anything.
 *
 * Not thread-safe for the same trends. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_trends_forget(struct tactful_trends *trends,
                                     struct tactful_text id,
                                     bool *forgotten,
                                     struct tactful_error **error);

/**
 * Adds other trends, which stay as they are: in any order and by any partition of the customers with equal bits.
 *
 * Not thread-safe for the same trends. Fails with TACTFUL_INVALID_TRENDS when the others were counted by other rules, or with
 * TACTFUL_INVALID_ARGUMENT; nothing is changed then.
 */
tactful_status tactful_trends_merge(struct tactful_trends *trends,
                                    const struct tactful_trends *other,
                                    struct tactful_error **error);

/**
 * How many customers contribute. 0 for null.
 *
 * Thread-safe, as long as nobody is counted meanwhile.
 */
size_t tactful_trends_len(const struct tactful_trends *trends);

/**
 * Makes a snapshot of the epochs that are over at an instant. With the snapshot that was read before (may be null), what fewer than
 * k customers changed since stays as it was, so that the difference of two answers tells about nobody either. The caller frees the
 * snapshot with tactful_snapshot_free.
 *
 * Thread-safe, as long as nobody is counted meanwhile. Fails with TACTFUL_INVALID_TRENDS when the one before was counted by other
 * rules, or with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_trends_snapshot(const struct tactful_trends *trends,
                                       int64_t at_micros,
                                       const struct tactful_snapshot *before,
                                       struct tactful_snapshot **snapshot,
                                       struct tactful_error **error);

/**
 * Writes trends as bytes, equal for equal trends. The caller frees them with tactful_bytes_free.
 *
 * Thread-safe, as long as nobody is counted meanwhile. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_trends_to_bytes(const struct tactful_trends *trends,
                                       struct tactful_bytes **bytes,
                                       struct tactful_error **error);

/**
 * Makes trends out of `length` bytes that tactful_trends_to_bytes wrote, under a playbook that counts alike; the bytes are borrowed
 * for the call only. The caller frees the trends with tactful_trends_free.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_STATE or TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_trends_from_bytes(const struct tactful_engine *engine,
                                         const uint8_t *data,
                                         size_t length,
                                         struct tactful_trends **trends,
                                         struct tactful_error **error);

/**
 * Frees trends. Null is ignored.
 */
void tactful_trends_free(struct tactful_trends *trends);

/**
 * SHA-256 over all that can be read of a snapshot, in hexadecimal digits. Borrowed from the snapshot. None for null.
 *
 * Thread-safe.
 */
struct tactful_text tactful_snapshot_digest(const struct tactful_snapshot *snapshot);

/**
 * Reads what a trend counted where `length` of its dimensions have these values, decayed to `now`; other dimensions may have any value.
 * The answer has 0 customers when it would be about too few of them.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_TRENDS for a trend or dimension that is not declared or an instant before the snapshot, or
 * with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_snapshot_read(const struct tactful_snapshot *snapshot,
                                     struct tactful_text trend,
                                     const struct tactful_text *dimensions,
                                     const struct tactful_text *values,
                                     size_t length,
                                     int64_t now_micros,
                                     struct tactful_count *count,
                                     struct tactful_error **error);

/**
 * All cells of a trend in JSON, decayed to `now`, as the question "trend" of tactful_base_query gives them. The caller frees the answer
 * with tactful_answer_free.
 *
 * Thread-safe. Fails as tactful_snapshot_read does.
 */
tactful_status tactful_snapshot_cells(const struct tactful_snapshot *snapshot,
                                      struct tactful_text trend,
                                      int64_t now_micros,
                                      struct tactful_answer **answer,
                                      struct tactful_error **error);

/**
 * Writes a snapshot as bytes. It holds hashes of who contributed, for the snapshot after it; `members` 0 leaves them out, for one that is
 * given away. The caller frees the bytes with tactful_bytes_free.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_snapshot_to_bytes(const struct tactful_snapshot *snapshot,
                                         int32_t members,
                                         struct tactful_bytes **bytes,
                                         struct tactful_error **error);

/**
 * Makes a snapshot out of `length` bytes that tactful_snapshot_to_bytes wrote, under a playbook that counts alike; the bytes are borrowed
 * for the call only. The caller frees the snapshot with tactful_snapshot_free.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_STATE or TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_snapshot_from_bytes(const struct tactful_engine *engine,
                                           const uint8_t *data,
                                           size_t length,
                                           struct tactful_snapshot **snapshot,
                                           struct tactful_error **error);

/**
 * Frees a snapshot. Null is ignored.
 */
void tactful_snapshot_free(struct tactful_snapshot *snapshot);

/**
 * The same engine with the items of a table, in place of those it had: JSON, a list of objects with the columns of an item, or one object
 * per line; or text with cells separated by commas, semicolons or tabs (CSV, RFC 4180) and the names of the columns in the first
 * line. The playbook is not compiled again and customers go on as they are. `bad` gets what is wrong with the table as JSON, a
 * list of objects with code, row, column and message, of CSV also line: such rows are left out, all others are kept. The caller frees both.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_QUERY for text that is no table or a playbook without a catalog, or with
 * TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_engine_with_catalog(const struct tactful_engine *engine,
                                           struct tactful_text table,
                                           struct tactful_engine **stocked,
                                           struct tactful_answer **bad,
                                           struct tactful_error **error);

/**
 * The same engine with what was counted over many customers: rules and learned factors read it, suggestions and the question `reach` look
 * at what others did. Decisions before its instant do not see it; a request may bring other trends for itself, see
 * tactful_request_set_trends. The caller frees the engine.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_TRENDS for a snapshot that was counted by other rules, or with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_engine_with_trends(const struct tactful_engine *engine,
                                          const struct tactful_snapshot *snapshot,
                                          struct tactful_engine **knowing,
                                          struct tactful_error **error);

/**
 * Goes on with another engine of the same playbook, such as one with a new table of items or newer trends.
 *
 * Thread-safe; waits for other uses of the base. Fails with TACTFUL_INVALID_EVENT for the engine of another playbook, and changes
 * nothing then, or with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_base_set_engine(const struct tactful_base *base,
                                       const struct tactful_engine *engine,
                                       struct tactful_error **error);

/**
 * Answers a question in JSON about an event log in a stream of the Arrow C stream interface, which is consumed and left released, also
 * when this fails: "directly_follows", "variants", "paths", "funnel" or "matching", see docs/maps.md. The key "table" says which
 * columns hold the case, the activity and the time. The caller frees the answer with tactful_answer_free.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_QUERY, TACTFUL_INVALID_DATA or TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_log_query_stream(struct ArrowArrayStream *stream,
                                        struct tactful_text question,
                                        struct tactful_answer **answer,
                                        struct tactful_error **error);

/**
 * The same for `row_count` rows of plain arrays. Everything is borrowed for the call.
 *
 * Thread-safe. Fails as tactful_log_query_stream does.
 */
tactful_status tactful_log_query_columns(const struct tactful_column *columns,
                                         size_t column_count,
                                         size_t row_count,
                                         struct tactful_text question,
                                         struct tactful_answer **answer,
                                         struct tactful_error **error);

/**
 * Makes a replay without events yet. `options` may be null. The caller frees it with tactful_replay_free; it may outlive the engine.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_REQUEST for an unknown placement or outcome, with TACTFUL_INVALID_STATE for a forecast that is
 * damaged or was counted by another playbook, or with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_replay_new(const struct tactful_engine *engine,
                                  const struct tactful_replay_options *options,
                                  struct tactful_replay **replay,
                                  struct tactful_error **error);

/**
 * Takes in the rows of a stream of the Arrow C stream interface, in any order. The stream is consumed and left released, also when
 * this fails. A table needs the columns "type" and "time", one per namespace of identifiers, and one per property.
 *
 * Not thread-safe for one replay. Fails with TACTFUL_INVALID_DATA, or TACTFUL_INVALID_ARGUMENT after the run; the rows before a bad
 * one stay recorded, see tactful_error_row.
 */
tactful_status tactful_replay_add_stream(struct tactful_replay *replay,
                                         struct ArrowArrayStream *stream,
                                         struct tactful_error **error);

/**
 * Takes in `row_count` rows of plain arrays, in any order. Everything is borrowed for the call. The columns are those of
 * tactful_replay_add_stream.
 *
 * Not thread-safe for one replay. Fails as tactful_replay_add_stream does.
 */
tactful_status tactful_replay_add_columns(struct tactful_replay *replay,
                                          const struct tactful_column *columns,
                                          size_t column_count,
                                          size_t row_count,
                                          struct tactful_error **error);

/**
 * Walks through time: lets every customer advance to each instant, decides, and records what was shown. Once per replay.
 *
 * Not thread-safe for one replay. Fails with TACTFUL_INVALID_ARGUMENT when it was run before, TACTFUL_INVALID_DATA when a result is
 * larger than Arrow can carry.
 */
tactful_status tactful_replay_run(struct tactful_replay *replay,
                                  struct tactful_error **error);

/**
 * Exports a result: "customers", "decisions", "segments", "stages", "transitions" or "bad_rows". May be asked again and again; the
 * caller releases each stream, which may outlive the replay. What `stream` held before is overwritten, not released.
 *
 * Thread-safe after the run. Fails with TACTFUL_INVALID_ARGUMENT for another name, or before the run.
 */
tactful_status tactful_replay_table(const struct tactful_replay *replay,
                                    struct tactful_text name,
                                    struct ArrowArrayStream *stream,
                                    struct tactful_error **error);

/**
 * What another replay of the same history does differently, as a JSON object: `before` and `after` with the customers reached, what was
 * given and its declared value; how many decisions stay and change; who gains and loses; and lists by placement, offer, gate
 * and segment; segments of fewer than 10 customers are withheld. The caller frees the answer with tactful_answer_free.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT, code `not_run`, for a replay that was not run.
 */
tactful_status tactful_replay_compare(const struct tactful_replay *before,
                                      const struct tactful_replay *after,
                                      struct tactful_answer **answer,
                                      struct tactful_error **error);

/**
 * Fills `stats` with the counts so far. False, and nothing is written, for null.
 *
 * Thread-safe, as long as nothing is added or run meanwhile.
 */
bool tactful_replay_get_stats(const struct tactful_replay *replay, struct tactful_replay_stats *stats);

/**
 * The name of the column at `index` that stands for nothing declared and was not read. Borrowed from the replay until more is
 * added. None when there is none.
 *
 * Thread-safe, as long as nothing is added meanwhile.
 */
struct tactful_text tactful_replay_ignored_column(const struct tactful_replay *replay,
                                                  size_t index);

/**
 * Frees a replay. Null is ignored.
 */
void tactful_replay_free(struct tactful_replay *replay);

/**
 * Segments and the best offer of every customer at one instant, straight from a stream of events in the columns that
 * tactful_replay_add_stream takes. `now` is in microseconds since 1970-01-01T00:00:00Z; events later than that are not seen. An empty
 * `placement` asks for segments only. The table that is exported has "customer", "segment_<name>" for each segment, "offer" and
 * "score", one row per customer in the order in which they first appear. `events` is consumed and left released, also when this
 * fails; what `table` held before is overwritten, and the caller releases it.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_DATA, TACTFUL_INVALID_REQUEST for an unknown placement, or TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_engine_census(const struct tactful_engine *engine,
                                     struct ArrowArrayStream *events,
                                     int64_t now,
                                     struct tactful_text placement,
                                     const struct tactful_column_role *roles,
                                     size_t role_count,
                                     struct ArrowArrayStream *table,
                                     struct tactful_error **error);

/**
 * Compiles an expression. `facts` are the dotted names and types of `count` facts; with none of them names are looked up when it is
 * evaluated, else names and types are checked now. The caller frees the expression with tactful_expression_free.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_EXPRESSION and everything that is wrong, or TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_expression_compile(struct tactful_text text,
                                          const struct tactful_pair *facts,
                                          size_t count,
                                          struct tactful_expression **expression,
                                          struct tactful_error **error);

/**
 * Evaluates an expression for facts that are given as a JSON object, by dotted name or nested. `now_micros` may be TACTFUL_NO_TIME when
 * the expression does not read "now". The answer is {"outcome": "value", "kind": …, "value": …} with the kind of CEL ("int", "uint",
 * "bytes" …), {"outcome": "unknown", "missing": [...]} or {"outcome": "error", "code": …, "message": …}; bytes are hexadecimal digits, an
 * optional holds {"kind": …, "value": …} or null. The caller frees the answer with tactful_answer_free.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_FACTS or TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_expression_evaluate(const struct tactful_expression *expression,
                                           struct tactful_text facts,
                                           int64_t now_micros,
                                           struct tactful_answer **answer,
                                           struct tactful_error **error);

/**
 * Frees an expression. Null is ignored.
 */
void tactful_expression_free(struct tactful_expression *expression);

/**
 * Compiles rules, each a name and a condition, over `fact_count` facts, each a dotted name and a type. The caller frees the rules with
 * tactful_rules_free.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_EXPRESSION and everything that is wrong with any rule, the path being its name, or
 * TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_rules_compile(const struct tactful_pair *conditions,
                                     size_t count,
                                     const struct tactful_pair *facts,
                                     size_t fact_count,
                                     struct tactful_rules **rules,
                                     struct tactful_error **error);

/**
 * How many rules there are. 0 for null.
 *
 * Thread-safe, as are all accessors of rules.
 */
size_t tactful_rules_count(const struct tactful_rules *rules);

/**
 * The name of the rule at `index`, in the order given. Borrowed from the rules. None when there is none.
 */
struct tactful_text tactful_rules_name(const struct tactful_rules *rules, uint32_t index);

/**
 * The number of the rule of a name; TACTFUL_NO_NUMBER when there is none.
 */
uint32_t tactful_rules_find(const struct tactful_rules *rules, struct tactful_text name);

/**
 * The number of the fact of a dotted name, by which it is set quickly; TACTFUL_NO_NUMBER when there is none.
 */
uint32_t tactful_rules_fact(const struct tactful_rules *rules, struct tactful_text name);

/**
 * Fills `warning` with what is probably not meant in some rule, although all compile. False, and nothing is written, when there is none at
 * `index`. Its texts are borrowed from the rules.
 */
bool tactful_rules_warning(const struct tactful_rules *rules,
                           size_t index,
                           struct tactful_diagnostic *warning);

/**
 * Says why a rule comes to what it does, for facts that are given as a JSON object: {"text": …, "value": …, "parts": [...], "reasons":
 * [...]}. `now_micros` may be TACTFUL_NO_TIME when no rule reads "now". The caller frees the answer with tactful_answer_free.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_FACTS, or TACTFUL_INVALID_ARGUMENT, also for an unknown rule.
 */
tactful_status tactful_rules_explain(const struct tactful_rules *rules,
                                     struct tactful_text name,
                                     struct tactful_text facts,
                                     int64_t now_micros,
                                     struct tactful_answer **answer,
                                     struct tactful_error **error);

/**
 * Matches the rows of a stream of the Arrow C stream interface, which is consumed and left released, also when this fails. `matches` becomes
 * a stream with the columns "row", from 0 over all batches, and "rule", one row for every match; the caller releases it. What it held
 * before is overwritten. Columns are found by the names of facts; a list column is read for a
 * fact that is a list.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_DATA or TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_rules_match_stream(const struct tactful_rules *rules,
                                          struct ArrowArrayStream *stream,
                                          struct ArrowArrayStream *matches,
                                          struct tactful_error **error);

/**
 * Frees rules. Rows made for them stay usable. Null is ignored.
 */
void tactful_rules_free(struct tactful_rules *rules);

/**
 * Makes a row without facts. The caller frees it with tactful_row_free; it may outlive the rules.
 *
 * Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_row_new(const struct tactful_rules *rules,
                               struct tactful_row **row,
                               struct tactful_error **error);

/**
 * Sets a fact by its number, see tactful_rules_fact, or makes it unknown with TACTFUL_VALUE_NONE. The value is copied.
 *
 * Not thread-safe for one row, as are all its functions. Fails with TACTFUL_INVALID_FACTS when it does not fit, or with
 * TACTFUL_INVALID_ARGUMENT; the fact is unknown then.
 */
tactful_status tactful_row_set(struct tactful_row *row,
                               uint32_t fact,
                               struct tactful_value value,
                               struct tactful_error **error);

/**
 * Replaces all facts by those of a JSON object, by dotted name or nested; fields that no rule reads are skipped.
 *
 * Fails with TACTFUL_INVALID_FACTS or TACTFUL_INVALID_ARGUMENT; the row is empty then.
 */
tactful_status tactful_row_read_json(struct tactful_row *row,
                                     struct tactful_text json,
                                     struct tactful_error **error);

/**
 * Sets the instant, for rules that read "now".
 *
 * Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_row_set_now(struct tactful_row *row, int64_t now_micros, struct tactful_error **error);

/**
 * Forgets all facts; the instant stays. Null is ignored.
 */
void tactful_row_clear(struct tactful_row *row);

/**
 * Finds the rules that are known to be true: `matches` becomes the numbers of `count` rules in the order given, borrowed from the row until
 * it is used again.
 *
 * Fails with TACTFUL_INVALID_ARGUMENT.
 */
tactful_status tactful_row_matches(struct tactful_row *row,
                                   const uint32_t **matches,
                                   size_t *count,
                                   struct tactful_error **error);

/**
 * What one rule comes to: TACTFUL_TRUTH_TRUE and so on; 0 for null and for a rule that there is not.
 */
int32_t tactful_row_value(const struct tactful_row *row, uint32_t rule);

/**
 * Frees a row. Null is ignored.
 */
void tactful_row_free(struct tactful_row *row);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

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
