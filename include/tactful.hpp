/*
 * tactful.hpp: a thin C++11 layer over tactful.h. Header only. The guide is docs/c.md.
 *
 * Every class owns one handle: it can be moved, not copied, and frees the handle at its end. A moved-from object may only be
 * assigned to or destroyed. What fails throws tactful::error. `const` member functions may be called from many threads at once.
 *
 * A text_view that is returned is borrowed from the object that it was asked of: copy it with str() to keep it. Plain structures
 * with texts, such as tactful::effect, are borrowed in the same way. Times are microseconds since 1970-01-01T00:00:00Z.
 */
#ifndef TACTFUL_HPP
#define TACTFUL_HPP

#include "tactful.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tactful {

/** Text in UTF-8 that belongs to somebody else. */
class text_view {
public:
  text_view() noexcept : data_(""), size_(0), known_(false) {}
  text_view(const char *text) : data_(text ? text : ""), size_(text ? std::strlen(text) : 0), known_(text != nullptr) {}
  text_view(const char *data, std::size_t size) noexcept : data_(data ? data : ""), size_(size), known_(true) {}
  text_view(const std::string &text) noexcept : data_(text.data()), size_(text.size()), known_(true) {}
  text_view(tactful_text text) noexcept : data_(text.data ? text.data : ""), size_(text.len), known_(text.data != nullptr) {}

  const char *data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  const char *begin() const noexcept { return data_; }
  const char *end() const noexcept { return data_ + size_; }
  std::string str() const { return std::string(data_, size_); }
  /** Whether there is a text at all, be it an empty one. */
  explicit operator bool() const noexcept { return known_; }
  /** As C has it. */
  tactful_text c() const noexcept {
    tactful_text text;
    text.data = data_;
    text.len = size_;
    return text;
  }

  friend bool operator==(text_view a, text_view b) noexcept {
    return a.size_ == b.size_ && std::memcmp(a.data_, b.data_, a.size_) == 0;
  }
  friend bool operator!=(text_view a, text_view b) noexcept { return !(a == b); }
  friend std::ostream &operator<<(std::ostream &out, text_view text) {
    return out.write(text.data_, static_cast<std::streamsize>(text.size_));
  }

private:
  const char *data_;
  std::size_t size_;
  bool known_;
};

/** No time. */
constexpr std::int64_t no_time = TACTFUL_NO_TIME;

/** Microseconds since 1970 of a time point, for hosts that read a clock. */
inline std::int64_t micros(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

/** A mistake in a playbook. */
struct diagnostic {
  explicit diagnostic(const tactful_diagnostic &found)
      : code(text_view(found.code).str()), path(text_view(found.path).str()), message(text_view(found.message).str()),
        hint(text_view(found.hint).str()), document(text_view(found.document).str()),
        source(text_view(found.source).str()), line(found.line), column(found.column), length(found.length),
        warning(found.severity == TACTFUL_SEVERITY_WARNING) {}

  std::string code;
  std::string path;
  std::string message;
  std::string hint;
  std::string document;
  std::string source;
  /** From 1; 0 when no place is known. */
  std::uint32_t line;
  std::uint32_t column;
  std::uint32_t length;
  bool warning;
};

/** What fails throws this. what() is the whole error for people. */
class error : public std::runtime_error {
public:
  explicit error(const tactful_error *failure)
      : std::runtime_error(text_view(tactful_error_rendered(failure)).str()), details_(std::make_shared<details>()) {
    details_->status = tactful_error_status(failure);
    details_->code = text_view(tactful_error_code(failure)).str();
    details_->path = text_view(tactful_error_path(failure)).str();
    details_->message = text_view(tactful_error_message(failure)).str();
    details_->row = tactful_error_row(failure);
    tactful_diagnostic found;
    for (std::size_t i = 0; tactful_error_diagnostic(failure, i, &found); ++i) {
      details_->diagnostics.push_back(diagnostic(found));
    }
  }

  /** TACTFUL_INVALID_EVENT and so on. */
  tactful_status status() const noexcept { return details_->status; }
  /** The stable code, such as "undeclared_event_type". */
  const std::string &code() const noexcept { return details_->code; }
  /** What it is about, such as "properties.amount". */
  const std::string &path() const noexcept { return details_->path; }
  const std::string &message() const noexcept { return details_->message; }
  /** The row of a table, from 0; -1 when it is about none. */
  std::int64_t row() const noexcept { return details_->row; }
  /** All mistakes of a playbook. */
  const std::vector<diagnostic> &diagnostics() const noexcept { return details_->diagnostics; }

private:
  struct details {
    tactful_status status;
    std::string code;
    std::string path;
    std::string message;
    std::int64_t row;
    std::vector<diagnostic> diagnostics;
  };
  /* Shared, so that copying the exception cannot throw. */
  std::shared_ptr<details> details_;
};

namespace detail {

/** The last argument of a call: throws what the call leaves there. */
class outcome {
public:
  outcome() noexcept : failure_(nullptr) {}
  outcome(const outcome &) = delete;
  outcome &operator=(const outcome &) = delete;
  ~outcome() { tactful_error_free(failure_); }
  operator tactful_error **() noexcept { return &failure_; }
  void check(tactful_status status) const {
    if (status != TACTFUL_OK) throw error(failure_);
  }

private:
  tactful_error *failure_;
};

/** Owns a handle. */
template <typename T, void (*Free)(T *)> class handle {
public:
  explicit handle(T *owned = nullptr) noexcept : owned_(owned) {}
  handle(handle &&other) noexcept : owned_(other.owned_) { other.owned_ = nullptr; }
  handle &operator=(handle &&other) noexcept {
    std::swap(owned_, other.owned_);
    return *this;
  }
  handle(const handle &) = delete;
  handle &operator=(const handle &) = delete;
  ~handle() { Free(owned_); }
  T *get() const noexcept { return owned_; }
  T **out() noexcept { return &owned_; }

private:
  T *owned_;
};

} // namespace detail

/** A value of a property or fact: text, a whole number, a number, a truth value, a decimal or a time. */
class value {
public:
  value(const char *text) : value_(tactful_value_text(text_view(text).c())) {}
  value(const std::string &text) : value_(tactful_value_text(text_view(text).c())) {}
  value(text_view text) : value_(tactful_value_text(text.c())) {}
  value(bool truth) : value_(tactful_value_bool(truth)) {}
  value(int number) : value_(tactful_value_int(number)) {}
  value(long number) : value_(tactful_value_int(number)) {}
  value(long long number) : value_(tactful_value_int(number)) {}
  value(unsigned number) : value_(tactful_value_int(number)) {}
  value(unsigned long number) : value_(whole(number)) {}
  value(unsigned long long number) : value_(whole(number)) {}
  value(double number) : value_(tactful_value_double(number)) {}
  /** An exact decimal such as "12.50", or an amount of money. */
  static value decimal(text_view digits) { return value(tactful_value_decimal(digits.c())); }
  /** An instant, in microseconds since 1970. */
  static value time(std::int64_t micros) { return value(tactful_value_time(micros)); }
  /** Bytes, which need not be UTF-8. */
  static value bytes(text_view bytes) { return value(tactful_value_bytes(bytes.c())); }
  /** A length of time, in microseconds. */
  static value duration(std::int64_t micros) { return value(tactful_value_duration(micros)); }
  /** Anything as JSON: what lists and maps are told as. */
  static value json(text_view text) { return value(tactful_value_json(text.c())); }
  /** Nothing: what was set before is unset. */
  static value none() { return value(tactful_value_none()); }
  tactful_value c() const noexcept { return value_; }

private:
  explicit value(tactful_value made) : value_(made) {}
  /* Whole numbers have a sign; only what is too large for that is told without one. */
  static tactful_value whole(unsigned long long number) {
    const std::uint64_t most = static_cast<std::uint64_t>(INT64_MAX);
    return number <= most ? tactful_value_int(static_cast<std::int64_t>(number)) : tactful_value_uint(number);
  }
  tactful_value value_;
};

/** Something that happened, on its way into a story. */
class event {
public:
  event(text_view type, std::int64_t time, text_view identifier) {
    detail::outcome outcome;
    outcome.check(tactful_event_new(type.c(), time, identifier.c(), handle_.out(), outcome));
  }
  /** From a JSON object. */
  static event from_json(text_view json) {
    event made;
    detail::outcome outcome;
    outcome.check(tactful_event_from_json(json.c(), made.handle_.out(), outcome));
    return made;
  }
  event &set(text_view property, const value &told) {
    detail::outcome outcome;
    outcome.check(tactful_event_set(handle_.get(), property.c(), told.c(), outcome));
    return *this;
  }
  event &id(text_view id) {
    detail::outcome outcome;
    outcome.check(tactful_event_set_id(handle_.get(), id.c(), outcome));
    return *this;
  }
  event &sequence(std::int64_t sequence) {
    detail::outcome outcome;
    outcome.check(tactful_event_set_sequence(handle_.get(), sequence, outcome));
    return *this;
  }
  event &known_at(std::int64_t time) {
    detail::outcome outcome;
    outcome.check(tactful_event_set_known_at(handle_.get(), time, outcome));
    return *this;
  }
  event &channel(text_view channel) {
    detail::outcome outcome;
    outcome.check(tactful_event_set_channel(handle_.get(), channel.c(), outcome));
    return *this;
  }
  event &source(text_view source) {
    detail::outcome outcome;
    outcome.check(tactful_event_set_source(handle_.get(), source.c(), outcome));
    return *this;
  }
  /* "device", "campaign", "page", "country" ... take text, "confidence" a number, "point" text such as "52.52,13.405". */
  event &circumstance(text_view name, const value &told) {
    detail::outcome outcome;
    outcome.check(tactful_event_set_detail(handle_.get(), name.c(), told.c(), outcome));
    return *this;
  }
  event &identifier(text_view identifier) {
    detail::outcome outcome;
    outcome.check(tactful_event_add_identifier(handle_.get(), identifier.c(), outcome));
    return *this;
  }
  const tactful_event *c() const noexcept { return handle_.get(); }

private:
  event() {}
  detail::handle<tactful_event, tactful_event_free> handle_;
};

/** One thing that changed; borrowed from the effects. */
struct effect {
  explicit effect(const tactful_effect &found)
      : id(found.id), name(found.name), from(found.from), to(found.to), cause(found.cause),
        customer(found.customer), instance(found.instance), how(found.how), at(found.at),
        since(found.since), not_after(found.not_after), priority(found.priority), what(found.effect), kind(found.kind) {}

  text_view id;
  /** The segment, the journey, the reaction or the feedback; why a link was refused. */
  text_view name;
  /** The stage left, the smaller identifier of a link, or the placement of a reaction. */
  text_view from;
  /** The stage entered, the larger identifier of a link, or the channel of a reaction. */
  text_view to;
  text_view cause;
  /** Whom it is about, when the event joined or parted customers or time passed for a whole base. */
  text_view customer;
  /** The key of the instance, of a journey that has one; of a reaction or feedback what tells it apart. */
  text_view instance;
  /** How a place was taken over: "mapped", "kept", "restarted" or "derived"; what triggered a reaction. */
  text_view how;
  std::int64_t at;
  /** When a reaction was triggered, or feedback given; TACTFUL_NO_TIME for everything else. */
  std::int64_t since;
  /** From when on a proposal does not stand any more; TACTFUL_NO_TIME for never. */
  std::int64_t not_after;
  /** Which reaction comes first of several: the larger. */
  std::int64_t priority;
  /** TACTFUL_EFFECT_SEGMENT_ENTERED and so on. */
  std::int32_t what;
  /** TACTFUL_KIND_HAPPENED and so on. */
  std::int32_t kind;
};

/** What recording an event, or letting time pass, caused. */
class effects {
public:
  /** TACTFUL_ARRIVAL_NEW and so on. */
  std::int32_t arrival() const noexcept { return tactful_effects_arrival(handle_.get()); }
  std::size_t size() const noexcept { return tactful_effects_count(handle_.get()); }
  effect operator[](std::size_t index) const {
    tactful_effect found;
    if (!tactful_effects_get(handle_.get(), index, &found)) throw std::out_of_range("tactful::effects");
    return effect(found);
  }
  const tactful_effects *c() const noexcept { return handle_.get(); }

private:
  friend class engine;
  friend class base;
  effects() {}
  detail::handle<tactful_effects, tactful_effects_free> handle_;
};

class engine;
class trend_snapshot;
class base;

/** A question: which placements ask, and what the host knows about this moment. */
class request {
public:
  request(std::initializer_list<text_view> placements = {}) {
    detail::outcome outcome;
    outcome.check(tactful_request_new(handle_.out(), outcome));
    for (const text_view &name : placements) placement(name);
  }
  request &placement(text_view name) {
    detail::outcome outcome;
    outcome.check(tactful_request_add_placement(handle_.get(), name.c(), outcome));
    return *this;
  }
  request &set(text_view fact, const value &told) {
    detail::outcome outcome;
    outcome.check(tactful_request_set(handle_.get(), fact.c(), told.c(), outcome));
    return *this;
  }
  /** On which identifier a customer of engine::decide is met; a base takes the one that it is asked with. */
  request &met_on(const engine &with, text_view identifier);
  /** A number of a column for an offer; NaN and infinities count as unknown. */
  request &score(text_view column, text_view offer, double number) {
    detail::outcome outcome;
    outcome.check(tactful_request_set_score(handle_.get(), column.c(), offer.c(), number, outcome));
    return *this;
  }
  /** What exploration draws follow from. */
  request &seed(std::uint64_t seed) {
    detail::outcome outcome;
    outcome.check(tactful_request_set_seed(handle_.get(), seed, outcome));
    return *this;
  }
  /** The reaction that the question answers: only its offers are looked at, on its placement when none was added. */
  request &reacting(text_view reaction) {
    detail::outcome outcome;
    outcome.check(tactful_request_set_reaction(handle_.get(), reaction.c(), outcome));
    return *this;
  }
  /** What was counted over many customers. */
  request &trends(const trend_snapshot &snapshot);
  /** What a base learned about what comes next, for a customer who is not kept in it. */
  request &forecast(const base &learned);
  /** A forecast out of the bytes that base::forecast_to_bytes gave; none for nothing. */
  request &forecast(const engine &with, const std::vector<std::uint8_t> &bytes);
  /** How sure the host is who is there: TACTFUL_ASSURANCE_RECOGNISED when never said. */
  request &assurance(std::int32_t assurance) {
    detail::outcome outcome;
    outcome.check(tactful_request_set_assurance(handle_.get(), assurance, outcome));
    return *this;
  }
  const tactful_request *c() const noexcept { return handle_.get(); }

private:
  detail::handle<tactful_request, tactful_request_free> handle_;
};

/** An offer that was chosen; borrowed from the decision. */
struct offer {
  offer(const tactful_decision *decision, std::size_t placement, std::size_t slot, const tactful_offer &found)
      : name(found.name), message(found.message), score(found.score), probability(found.probability), at(found.at) {
    tactful_pair header;
    for (std::size_t i = 0; tactful_decision_header(decision, placement, slot, i, &header); ++i) {
      headers.push_back(std::make_pair(text_view(header.name), text_view(header.text)));
    }
    for (std::size_t i = 0; text_view(tactful_decision_why(decision, placement, slot, i)); ++i) {
      why.push_back(text_view(tactful_decision_why(decision, placement, slot, i)));
    }
  }

  text_view name;
  text_view message;
  double score;
  /** How probable it was that the slot went to this offer; NaN unless offers are explored. */
  double probability;
  /** When it is to be sent, where quiet hours move it; no_time for at once. */
  std::int64_t at;
  /** What goes with the message on single lines, such as "subject" and its text. */
  std::vector<std::pair<text_view, text_view>> headers;
  /** Why it is made, for whoever speaks to the customer; only on channels of the format "script". */
  std::vector<text_view> why;
};

/** An offer that waits for the end of quiet hours; borrowed from the decision. */
struct held {
  explicit held(const tactful_held &found) : offer(found.offer), until(found.until) {}

  text_view offer;
  /** The first instant at which it may be sent; what else holds then is to be asked then. */
  std::int64_t until;
};

/** The part that the customer has in an experiment; borrowed from the decision. */
struct assigned {
  explicit assigned(const tactful_assigned &found) : experiment(found.experiment), variant(found.variant) {}

  text_view experiment;
  /** The variant, or `holdout`. */
  text_view variant;
};

/** What a placement gets; borrowed from the decision. */
struct placement {
  placement(const tactful_decision *decision, std::size_t index, const tactful_placement &found)
      : name(found.name), channel(found.channel), reason(found.reason), fallback(found.fallback), kind(found.kind) {
    tactful_offer chosen;
    for (std::size_t slot = 0; tactful_decision_offer(decision, index, slot, &chosen); ++slot) {
      offers.push_back(offer(decision, index, slot, chosen));
    }
    tactful_held waits;
    for (std::size_t i = 0; tactful_decision_held(decision, index, i, &waits); ++i) {
      waiting.push_back(held(waits));
    }
  }

  text_view name;
  text_view channel;
  text_view reason;
  /** The message for everybody, when the kind is TACTFUL_ANSWER_FALLBACK. */
  text_view fallback;
  /** TACTFUL_ANSWER_OFFERS, TACTFUL_ANSWER_FALLBACK or TACTFUL_ANSWER_SILENCE. */
  std::int32_t kind;
  /** Best first. */
  std::vector<offer> offers;
  /** What quiet hours hold back. */
  std::vector<held> waiting;
};

/** What became of one offer for one placement; borrowed from the decision. */
struct candidate {
  candidate(const tactful_decision *decision, std::size_t index, const tactful_candidate &found)
      : placement(found.placement), offer(found.offer), gate_name(found.gate_name), gate(found.gate), unknown(found.unknown),
        scored(found.scored), propensity(found.propensity), context(found.context), value(found.value), lever(found.lever),
        total(found.total) {
    for (std::size_t reason = 0; reason < found.reasons; ++reason) {
      reasons.push_back(text_view(tactful_decision_reason(decision, index, reason)));
    }
  }

  text_view placement;
  text_view offer;
  text_view gate_name;
  /** TACTFUL_GATE_CONSENT and so on. */
  std::int32_t gate;
  bool unknown;
  /** Whether the factors below count. */
  bool scored;
  double propensity;
  double context;
  double value;
  double lever;
  double total;
  std::vector<text_view> reasons;
};

/** The answer to a request. */
class decision {
public:
  text_view id() const noexcept { return tactful_decision_id(handle_.get()); }
  text_view customer() const noexcept { return tactful_decision_customer(handle_.get()); }
  std::int64_t now() const noexcept { return tactful_decision_now(handle_.get()); }
  /** What the placements get, in the order asked. */
  std::vector<tactful::placement> placements() const {
    std::vector<tactful::placement> all;
    tactful_placement found;
    for (std::size_t i = 0; tactful_decision_placement(handle_.get(), i, &found); ++i) {
      all.push_back(tactful::placement(handle_.get(), i, found));
    }
    return all;
  }
  /** The parts that the customer has in the experiments that had a say, in the order of the playbook. */
  std::vector<assigned> assignments() const {
    std::vector<assigned> all;
    tactful_assigned found;
    for (std::size_t i = 0; tactful_decision_assigned(handle_.get(), i, &found); ++i) {
      all.push_back(assigned(found));
    }
    return all;
  }
  /** What became of the candidates; none unless the decision was explained. */
  std::vector<tactful::candidate> candidates() const {
    std::vector<tactful::candidate> all;
    tactful_candidate found;
    for (std::size_t i = 0; tactful_decision_candidate(handle_.get(), i, &found); ++i) {
      all.push_back(tactful::candidate(handle_.get(), i, found));
    }
    return all;
  }
  /** The explanation for people; none unless the decision was explained. */
  text_view trace() const noexcept { return tactful_decision_trace(handle_.get()); }
  /** Canonical: the same bytes in every language. */
  text_view json() const noexcept { return tactful_decision_to_json(handle_.get()); }
  const tactful_decision *c() const noexcept { return handle_.get(); }

private:
  friend class engine;
  friend class base;
  decision() {}
  detail::handle<tactful_decision, tactful_decision_free> handle_;
};

/** A named text: a part of a playbook. */
struct document {
  document(text_view called, text_view written) : name(called), text(written) {}
  text_view name;
  text_view text;
};

namespace detail {
/** Bytes out of a handle. */
inline std::vector<std::uint8_t> taken(const handle<tactful_bytes, tactful_bytes_free> &from) {
  const std::uint8_t *data = tactful_bytes_data(from.get());
  return std::vector<std::uint8_t>(data, data + tactful_bytes_len(from.get()));
}
} // namespace detail

class customer;
class tombstones;
class trend_snapshot;

/** A compiled playbook. */
class engine {
public:
  /** Compiles a base document and its parts; `bytes` is how long each may be. */
  explicit engine(const std::vector<document> &documents, std::size_t bytes = std::size_t(4) << 20) {
    std::vector<tactful_document> given;
    for (const document &part : documents) {
      tactful_document one;
      one.name = part.name.c();
      one.text = part.text.c();
      given.push_back(one);
    }
    detail::outcome outcome;
    outcome.check(tactful_engine_compile_within(given.data(), given.size(), bytes, handle_.out(), outcome));
  }
  engine(text_view name, text_view text) : engine(std::vector<document>{document(name, text)}) {}

  text_view digest() const noexcept { return tactful_engine_digest(handle_.get()); }
  /** What is probably not meant. */
  std::vector<diagnostic> warnings() const {
    std::vector<diagnostic> all;
    tactful_diagnostic found;
    for (std::size_t i = 0; tactful_engine_warning(handle_.get(), i, &found); ++i) all.push_back(diagnostic(found));
    return all;
  }
  effects record(customer &to, const event &told) const;
  /** Tells what came of a decision: "shown", "clicked", "rejected" ... */
  effects record_outcome(customer &to, const decision &made, text_view what, std::int64_t time) const;
  effects advance(customer &to, std::int64_t now) const;
  /** Old events become exact totals; how many there were. */
  std::uint64_t fold(customer &of, std::int64_t horizon) const;
  /** Erases a customer who is kept outside of a base, and leaves them without events; gives the receipt as JSON. See docs/rights.md. */
  std::string erase(customer &whom, std::int64_t at, tombstones &into) const;
  /** no_time when nothing will change without an event. */
  std::int64_t next_due(const customer &of) const noexcept;
  decision decide(const customer &who, const request &asked, std::int64_t now, std::int64_t known_at = no_time) const;
  /** The same decision with the reasons for every candidate. */
  decision explain(const customer &who, const request &asked, std::int64_t now, std::int64_t known_at = no_time) const;
  /** Decides with other customers who are related to this one: see tactful_engine_decide_among. */
  decision decide_among(const customer &who, const std::vector<const customer *> &related, const request &asked,
                        std::int64_t now, std::int64_t known_at = no_time) const;
  /** The same with the reasons for every candidate. */
  decision explain_among(const customer &who, const std::vector<const customer *> &related, const request &asked,
                         std::int64_t now, std::int64_t known_at = no_time) const;
  /** Answers a question in JSON about the playbook, such as {"query": "describe"}; see docs/queries.md. */
  std::string query(text_view question) const { return ask(nullptr, question); }
  /** Answers a question in JSON about a customer. */
  std::string query(const customer &who, text_view question) const;
  /** The same engine with the items of a table in JSON; `bad` gets what is wrong with rows as a JSON list, see tactful_engine_with_catalog. */
  engine with_catalog(text_view table, std::string *bad = nullptr) const {
    engine stocked;
    detail::handle<tactful_answer, tactful_answer_free> wrong;
    detail::outcome outcome;
    outcome.check(tactful_engine_with_catalog(handle_.get(), table.c(), stocked.handle_.out(), wrong.out(), outcome));
    if (bad) *bad = text_view(tactful_answer_to_json(wrong.get())).str();
    return stocked;
  }
  /** The same engine with what was counted over many customers, see tactful_engine_with_trends. */
  engine with_trends(const trend_snapshot &counted) const;
  const tactful_engine *c() const noexcept { return handle_.get(); }

private:
  engine() {}
  std::string ask(const tactful_customer *who, text_view question) const {
    detail::handle<tactful_answer, tactful_answer_free> answer;
    detail::outcome outcome;
    outcome.check(tactful_engine_query(handle_.get(), who, question.c(), answer.out(), outcome));
    return text_view(tactful_answer_to_json(answer.get())).str();
  }

  detail::handle<tactful_engine, tactful_engine_free> handle_;
};

/** Answers a question in JSON about an event log in an Arrow stream, such as {"query": "directly_follows", "table": {"case": "customer"}};
 * see docs/maps.md. The stream is consumed and left released. */
inline std::string query_log(ArrowArrayStream *stream, text_view question) {
  detail::handle<tactful_answer, tactful_answer_free> answer;
  detail::outcome outcome;
  outcome.check(tactful_log_query_stream(stream, question.c(), answer.out(), outcome));
  return text_view(tactful_answer_to_json(answer.get())).str();
}

/** One customer as an engine knows them. */
class customer {
public:
  customer(const engine &with, text_view identifier) {
    detail::outcome outcome;
    outcome.check(tactful_customer_new(with.c(), identifier.c(), handle_.out(), outcome));
  }
  /** Borrowed until something is recorded. */
  text_view id() const noexcept { return tactful_customer_id(handle_.get()); }
  /** Out of what to_bytes gave, under this playbook or another version of it. */
  static customer from_bytes(const engine &with, const std::uint8_t *data, std::size_t length) {
    customer read;
    detail::outcome outcome;
    outcome.check(tactful_customer_from_bytes(with.c(), data, length, read.handle_.out(), outcome));
    return read;
  }
  static customer from_bytes(const engine &with, const std::vector<std::uint8_t> &bytes) {
    return from_bytes(with, bytes.data(), bytes.size());
  }
  /** Equal stories under equal playbooks give equal bytes. */
  std::vector<std::uint8_t> to_bytes() const {
    detail::handle<tactful_bytes, tactful_bytes_free> bytes;
    detail::outcome outcome;
    outcome.check(tactful_customer_to_bytes(handle_.get(), bytes.out(), outcome));
    return detail::taken(bytes);
  }
  /** How many events are known. */
  std::size_t size() const noexcept { return tactful_customer_len(handle_.get()); }
  const tactful_customer *c() const noexcept { return handle_.get(); }
  tactful_customer *c() noexcept { return handle_.get(); }

private:
  friend class base;
  customer() {}
  detail::handle<tactful_customer, tactful_customer_free> handle_;
};

inline effects engine::record(customer &to, const event &told) const {
  effects caused;
  detail::outcome outcome;
  outcome.check(tactful_engine_record(handle_.get(), to.c(), told.c(), caused.handle_.out(), outcome));
  return caused;
}

inline effects engine::record_outcome(customer &to, const decision &made, text_view what, std::int64_t time) const {
  effects caused;
  detail::outcome outcome;
  outcome.check(
      tactful_engine_record_outcome(handle_.get(), to.c(), made.c(), what.c(), time, caused.handle_.out(), outcome));
  return caused;
}

inline effects engine::advance(customer &to, std::int64_t now) const {
  effects caused;
  detail::outcome outcome;
  outcome.check(tactful_engine_advance(handle_.get(), to.c(), now, caused.handle_.out(), outcome));
  return caused;
}

inline request &request::met_on(const engine &with, text_view identifier) {
  detail::outcome outcome;
  outcome.check(tactful_request_met_on(handle_.get(), with.c(), identifier.c(), outcome));
  return *this;
}

inline std::uint64_t engine::fold(customer &of, std::int64_t horizon) const {
  std::uint64_t count = 0;
  detail::outcome outcome;
  outcome.check(tactful_engine_fold(handle_.get(), of.c(), horizon, &count, nullptr, outcome));
  return count;
}

/** Who was erased, for a host that keeps customers itself: hashes under a key of at least 16 bytes that only the host has. */
class tombstones {
public:
  explicit tombstones(text_view key) {
    detail::outcome outcome;
    outcome.check(
        tactful_tombstones_new(reinterpret_cast<const std::uint8_t *>(key.c().data), key.c().len, handle_.out(), outcome));
  }
  /** Throws with the code "erased" for an event about a customer who was erased after it. */
  void check(const engine &with, const event &told) const {
    detail::outcome outcome;
    outcome.check(tactful_tombstones_check(handle_.get(), with.c(), told.c(), outcome));
  }
  /** Out of what to_bytes gave, and the key. */
  static tombstones from_bytes(const std::vector<std::uint8_t> &bytes, text_view key) {
    tombstones read;
    detail::outcome outcome;
    outcome.check(tactful_tombstones_from_bytes(bytes.data(), bytes.size(),
                                                reinterpret_cast<const std::uint8_t *>(key.c().data), key.c().len,
                                                read.handle_.out(), outcome));
    return read;
  }
  /** Without the key. */
  std::vector<std::uint8_t> to_bytes() const {
    detail::handle<tactful_bytes, tactful_bytes_free> bytes;
    detail::outcome outcome;
    outcome.check(tactful_tombstones_to_bytes(handle_.get(), bytes.out(), outcome));
    return detail::taken(bytes);
  }
  /** How many identifiers were erased. */
  std::size_t size() const noexcept { return tactful_tombstones_len(handle_.get()); }
  tactful_tombstones *c() noexcept { return handle_.get(); }

private:
  tombstones() {}
  detail::handle<tactful_tombstones, tactful_tombstones_free> handle_;
};

inline std::string engine::erase(customer &whom, std::int64_t at, tombstones &into) const {
  detail::handle<tactful_answer, tactful_answer_free> receipt;
  detail::outcome outcome;
  outcome.check(tactful_engine_erase(handle_.get(), whom.c(), at, into.c(), receipt.out(), outcome));
  return text_view(tactful_answer_to_json(receipt.get())).str();
}

inline std::int64_t engine::next_due(const customer &of) const noexcept {
  return tactful_engine_next_due(handle_.get(), of.c());
}

inline decision engine::decide(const customer &who, const request &asked, std::int64_t now, std::int64_t known_at) const {
  decision made;
  detail::outcome outcome;
  outcome.check(tactful_engine_decide(handle_.get(), who.c(), asked.c(), now, known_at, made.handle_.out(), outcome));
  return made;
}

inline decision engine::explain(const customer &who, const request &asked, std::int64_t now, std::int64_t known_at) const {
  decision made;
  detail::outcome outcome;
  outcome.check(tactful_engine_explain(handle_.get(), who.c(), asked.c(), now, known_at, made.handle_.out(), outcome));
  return made;
}

inline decision engine::decide_among(const customer &who, const std::vector<const customer *> &related, const request &asked,
                                     std::int64_t now, std::int64_t known_at) const {
  std::vector<const tactful_customer *> others;
  for (const customer *one : related) others.push_back(one ? one->c() : nullptr);
  decision made;
  detail::outcome outcome;
  outcome.check(tactful_engine_decide_among(handle_.get(), who.c(), others.data(), others.size(), asked.c(), now, known_at,
                                              made.handle_.out(), outcome));
  return made;
}

inline decision engine::explain_among(const customer &who, const std::vector<const customer *> &related, const request &asked,
                                     std::int64_t now, std::int64_t known_at) const {
  std::vector<const tactful_customer *> others;
  for (const customer *one : related) others.push_back(one ? one->c() : nullptr);
  decision made;
  detail::outcome outcome;
  outcome.check(tactful_engine_explain_among(handle_.get(), who.c(), others.data(), others.size(), asked.c(), now, known_at,
                                              made.handle_.out(), outcome));
  return made;
}

inline std::string engine::query(const customer &who, text_view question) const { return ask(who.c(), question); }

/**
 * All customers of an organisation in memory, found by identifier. Many threads may use one base at the same time, those that change it
 * too.
 */
class base {
public:
  explicit base(const engine &with) {
    detail::outcome outcome;
    outcome.check(tactful_base_new(with.c(), handle_.out(), outcome));
  }
  effects record(const event &told) {
    effects caused;
    detail::outcome outcome;
    outcome.check(tactful_base_record(handle_.get(), told.c(), caused.handle_.out(), outcome));
    return caused;
  }
  effects record_outcome(const decision &made, text_view what, std::int64_t time) {
    effects caused;
    detail::outcome outcome;
    outcome.check(
        tactful_base_record_outcome(handle_.get(), made.c(), what.c(), time, caused.handle_.out(), outcome));
    return caused;
  }
  /** Lets time pass for all customers; `customer` of each effect says whom it is about. */
  effects advance(std::int64_t now) {
    effects caused;
    detail::outcome outcome;
    outcome.check(tactful_base_advance(handle_.get(), now, caused.handle_.out(), outcome));
    return caused;
  }
  /** When to call advance; no_time when nothing will change without an event. */
  std::int64_t next_due() const noexcept { return tactful_base_next_due(handle_.get()); }
  /** A copy of the customer whom an identifier points to; null when nobody is known by it. */
  std::unique_ptr<customer> find(text_view identifier) const {
    std::unique_ptr<customer> found(new customer());
    detail::outcome outcome;
    outcome.check(tactful_base_find(handle_.get(), identifier.c(), found->handle_.out(), outcome));
    if (found->c() == nullptr) found.reset();
    return found;
  }
  /** Counts what came next for its customers as of an instant, for decisions and the question "next", until it learns again. */
  void learn(std::int64_t at, std::int64_t since = no_time) {
    detail::outcome outcome;
    outcome.check(tactful_base_learn(handle_.get(), at, since, outcome));
  }
  /** What it last learned about what comes next, for requests and replays elsewhere; no bytes when it never did. */
  std::vector<std::uint8_t> forecast_to_bytes() const {
    detail::handle<tactful_bytes, tactful_bytes_free> bytes;
    detail::outcome outcome;
    outcome.check(tactful_base_forecast_to_bytes(handle_.get(), bytes.out(), outcome));
    return detail::taken(bytes);
  }
  /** Folds events of all customers that are older than the playbook keeps them; gives how many. */
  std::uint64_t fold(std::int64_t horizon) {
    std::uint64_t count = 0;
    detail::outcome outcome;
    outcome.check(tactful_base_fold(handle_.get(), horizon, &count, nullptr, outcome));
    return count;
  }
  /** The same, and gives what changed by then without an event; `customer` of each effect says whom it is about. */
  effects fold(std::int64_t horizon, std::uint64_t &count) {
    effects caused;
    detail::outcome outcome;
    outcome.check(tactful_base_fold(handle_.get(), horizon, &count, caused.handle_.out(), outcome));
    return caused;
  }
  decision decide(text_view identifier, const request &asked, std::int64_t now, std::int64_t known_at = no_time) const {
    decision made;
    detail::outcome outcome;
    outcome.check(tactful_base_decide(handle_.get(), identifier.c(), asked.c(), now, known_at, made.handle_.out(), outcome));
    return made;
  }
  decision explain(text_view identifier, const request &asked, std::int64_t now, std::int64_t known_at = no_time) const {
    decision made;
    detail::outcome outcome;
    outcome.check(tactful_base_explain(handle_.get(), identifier.c(), asked.c(), now, known_at, made.handle_.out(), outcome));
    return made;
  }
  /**
   * Decides and holds what was chosen, until it is confirmed, released or over: see tactful_base_reserve. When that is, is written to
   * `expires` when that is not null.
   */
  decision reserve(text_view identifier, const request &asked, std::int64_t now, std::int64_t reserve_for = no_time,
                   std::int64_t *expires = nullptr) {
    decision made;
    detail::outcome outcome;
    outcome.check(tactful_base_reserve(handle_.get(), identifier.c(), asked.c(), now, reserve_for, made.handle_.out(), expires,
                                       outcome));
    return made;
  }
  /** Takes for good what was reserved, of one offer or of all of a decision. */
  effects confirm(text_view identifier, text_view decision, text_view what, std::int64_t now, text_view offer = text_view()) {
    effects caused;
    detail::outcome outcome;
    outcome.check(tactful_base_confirm(handle_.get(), identifier.c(), decision.c(), offer ? offer.c() : tactful_text(), what.c(), now,
                                       caused.handle_.out(), outcome));
    return caused;
  }
  /** Gives back what was reserved. */
  effects release(text_view identifier, text_view decision, std::int64_t now, text_view offer = text_view()) {
    effects caused;
    detail::outcome outcome;
    outcome.check(tactful_base_release(handle_.get(), identifier.c(), decision.c(), offer ? offer.c() : tactful_text(), now, caused.handle_.out(), outcome));
    return caused;
  }
  /** Tells what came of a decision that was recorded before: "clicked", "rejected" ... */
  effects feedback(text_view identifier, text_view decision, text_view what, std::int64_t now, text_view offer = text_view()) {
    effects caused;
    detail::outcome outcome;
    outcome.check(tactful_base_feedback(handle_.get(), identifier.c(), decision.c(), offer ? offer.c() : tactful_text(), what.c(), now,
                                        caused.handle_.out(), outcome));
    return caused;
  }
  /**
   * Erases the customer whom an identifier points to, or the identifier alone (TACTFUL_ERASE_IDENTIFIER); see docs/rights.md. Gives the
   * receipt as JSON; what changed for others is written to `caused` when that is not null.
   */
  std::string erase(text_view identifier, std::int64_t at, text_view key, std::int32_t scope = TACTFUL_ERASE_PERSON,
                    effects *caused = nullptr) {
    detail::handle<tactful_answer, tactful_answer_free> receipt;
    effects others;
    detail::outcome outcome;
    outcome.check(tactful_base_erase(handle_.get(), identifier.c(), scope, at,
                                     reinterpret_cast<const std::uint8_t *>(key.c().data), key.c().len, receipt.out(),
                                     others.handle_.out(), outcome));
    if (caused != nullptr) *caused = std::move(others);
    return text_view(tactful_answer_to_json(receipt.get())).str();
  }
  /** Gives a base out of bytes the key of its erasures. */
  void unlock(text_view key) {
    detail::outcome outcome;
    outcome.check(
        tactful_base_unlock(handle_.get(), reinterpret_cast<const std::uint8_t *>(key.c().data), key.c().len, outcome));
  }
  /** Answers a question in JSON about the playbook or the customer of its "identifier"; see docs/queries.md. */
  std::string query(text_view question) const {
    detail::handle<tactful_answer, tactful_answer_free> answer;
    detail::outcome outcome;
    outcome.check(tactful_base_query(handle_.get(), question.c(), answer.out(), outcome));
    return text_view(tactful_answer_to_json(answer.get())).str();
  }
  /** Out of what to_bytes gave, under this playbook or another version of it. */
  static base from_bytes(const engine &with, const std::vector<std::uint8_t> &bytes) {
    base read;
    detail::outcome outcome;
    outcome.check(tactful_base_from_bytes(with.c(), bytes.data(), bytes.size(), read.handle_.out(), outcome));
    return read;
  }
  /** All stories, and what was told about links. */
  std::vector<std::uint8_t> to_bytes() const {
    detail::handle<tactful_bytes, tactful_bytes_free> bytes;
    detail::outcome outcome;
    outcome.check(tactful_base_to_bytes(handle_.get(), bytes.out(), outcome));
    return detail::taken(bytes);
  }
  /** Goes on with another engine of the same playbook, such as one with a new table of items. */
  void set_engine(const engine &with) {
    detail::outcome outcome;
    outcome.check(tactful_base_set_engine(handle_.get(), with.c(), outcome));
  }
  /** How many customers there are. */
  std::size_t size() const noexcept { return tactful_base_len(handle_.get()); }
  const tactful_base *c() const noexcept { return handle_.get(); }

private:
  friend class request;
  base() {}
  detail::handle<tactful_base, tactful_base_free> handle_;
};

inline request &request::forecast(const engine &with, const std::vector<std::uint8_t> &bytes) {
  detail::outcome outcome;
  outcome.check(tactful_request_set_forecast_bytes(handle_.get(), with.c(), bytes.data(), bytes.size(), outcome));
  return *this;
}

inline request &request::forecast(const base &learned) {
  detail::outcome outcome;
  outcome.check(tactful_request_set_forecast(handle_.get(), learned.handle_.get(), outcome));
  return *this;
}

class trends;

/** What was counted up to an instant, as it may be read: about at least k customers in every cell. Never changes. */
class trend_snapshot {
public:
  /** Out of what to_bytes gave, under a playbook that counts alike. */
  static trend_snapshot from_bytes(const engine &with, const std::vector<std::uint8_t> &bytes) {
    trend_snapshot read;
    detail::outcome outcome;
    outcome.check(tactful_snapshot_from_bytes(with.c(), bytes.data(), bytes.size(), read.handle_.out(), outcome));
    return read;
  }
  /** `members` leaves hashes of who contributed in, for the snapshot after it. */
  std::vector<std::uint8_t> to_bytes(bool members = true) const {
    detail::handle<tactful_bytes, tactful_bytes_free> bytes;
    detail::outcome outcome;
    outcome.check(tactful_snapshot_to_bytes(handle_.get(), members ? 1 : 0, bytes.out(), outcome));
    return detail::taken(bytes);
  }
  /** SHA-256 over all that can be read of it. */
  text_view digest() const { return tactful_snapshot_digest(handle_.get()); }
  /** What a trend counted where its dimensions have these values, decayed to `now`; 0 customers when they are too few. */
  tactful_count read(text_view trend, std::int64_t now,
                     const std::vector<std::pair<std::string, std::string>> &values =
                         std::vector<std::pair<std::string, std::string>>()) const {
    std::vector<tactful_text> names, wanted;
    for (const std::pair<std::string, std::string> &value : values) {
      names.push_back(text_view(value.first).c());
      wanted.push_back(text_view(value.second).c());
    }
    tactful_count found;
    detail::outcome outcome;
    outcome.check(tactful_snapshot_read(handle_.get(), trend.c(), names.data(), wanted.data(), names.size(), now, &found, outcome));
    return found;
  }
  /** All cells of a trend in JSON, as the question "trend" gives them. */
  std::string cells(text_view trend, std::int64_t now) const {
    detail::handle<tactful_answer, tactful_answer_free> answer;
    detail::outcome outcome;
    outcome.check(tactful_snapshot_cells(handle_.get(), trend.c(), now, answer.out(), outcome));
    return text_view(tactful_answer_to_json(answer.get())).str();
  }

  const tactful_snapshot *c() const noexcept { return handle_.get(); }

private:
  friend class trends;
  friend class request;
  trend_snapshot() {}
  detail::handle<tactful_snapshot, tactful_snapshot_free> handle_;
};

inline engine engine::with_trends(const trend_snapshot &counted) const {
  engine knowing;
  detail::outcome outcome;
  outcome.check(tactful_engine_with_trends(handle_.get(), counted.c(), knowing.handle_.out(), outcome));
  return knowing;
}

inline request &request::trends(const trend_snapshot &snapshot) {
  detail::outcome outcome;
  outcome.check(tactful_request_set_trends(handle_.get(), snapshot.handle_.get(), outcome));
  return *this;
}

/** What was counted over many customers, with what each of them contributed. */
class trends {
public:
  explicit trends(const engine &with) {
    detail::outcome outcome;
    outcome.check(tactful_trends_new(with.c(), handle_.out(), outcome));
  }
  /** Counts a customer, in place of what they contributed before. */
  void observe(const customer &who) {
    detail::outcome outcome;
    outcome.check(tactful_trends_observe(handle_.get(), who.c(), outcome));
  }
  /** Counts the customer to whom an identifier points; all of the base without one. */
  void observe(const base &all, text_view identifier = text_view()) {
    detail::outcome outcome;
    outcome.check(tactful_trends_observe_base(handle_.get(), all.c(), identifier.c(), outcome));
  }
  /** Counts what nobody known said: a review, a mention, press. One voice by its id; told again it replaces. */
  void hear(const event &said) {
    detail::outcome outcome;
    outcome.check(tactful_trends_hear(handle_.get(), said.c(), outcome));
  }
  /** Takes back what a customer contributed; says whether there was anything. */
  bool forget(text_view id) {
    bool forgotten = false;
    detail::outcome outcome;
    outcome.check(tactful_trends_forget(handle_.get(), id.c(), &forgotten, outcome));
    return forgotten;
  }
  /** Adds other trends: in any order with equal bits. */
  void merge(const trends &other) {
    detail::outcome outcome;
    outcome.check(tactful_trends_merge(handle_.get(), other.handle_.get(), outcome));
  }
  /** The epochs that are over at an instant. */
  trend_snapshot snapshot(std::int64_t at) const { return made(at, nullptr); }
  /** The same after a snapshot that was read before, so that the difference tells about nobody either. */
  trend_snapshot snapshot(std::int64_t at, const trend_snapshot &before) const { return made(at, before.handle_.get()); }
  /** How many customers contribute. */
  std::size_t size() const noexcept { return tactful_trends_len(handle_.get()); }
  std::vector<std::uint8_t> to_bytes() const {
    detail::handle<tactful_bytes, tactful_bytes_free> bytes;
    detail::outcome outcome;
    outcome.check(tactful_trends_to_bytes(handle_.get(), bytes.out(), outcome));
    return detail::taken(bytes);
  }
  /** Out of what to_bytes gave, under a playbook that counts alike. */
  static trends from_bytes(const engine &with, const std::vector<std::uint8_t> &bytes) {
    trends read;
    detail::outcome outcome;
    outcome.check(tactful_trends_from_bytes(with.c(), bytes.data(), bytes.size(), read.handle_.out(), outcome));
    return read;
  }

private:
  trends() {}
  trend_snapshot made(std::int64_t at, const tactful_snapshot *before) const {
    trend_snapshot found;
    detail::outcome outcome;
    outcome.check(tactful_trends_snapshot(handle_.get(), at, before, found.handle_.out(), outcome));
    return found;
  }
  detail::handle<tactful_trends, tactful_trends_free> handle_;
};

/** How a replay goes. */
struct replay_options {
  replay_options() : report_bad_rows(false) {}

  /** The instants at which every customer known by then gets a decision. */
  std::vector<std::int64_t> decide_at;
  std::vector<std::string> placements;
  /** What a column stands for, and its name, where the two differ. */
  std::vector<std::pair<std::string, std::string>> roles;
  /** The outcome recorded for every chosen offer, such as "shown"; empty for none. */
  std::string outcome;
  /** Whether rows that cannot be recorded are reported, instead of stopping the replay. */
  bool report_bad_rows;
  /** The bytes of a forecast that rules which ask what comes next go by; empty for none. */
  std::vector<std::uint8_t> forecast;
};

/** Events of many customers, taken in as tables and then walked through in time order. */
class replay {
public:
  explicit replay(const engine &with, const replay_options &options = replay_options()) {
    std::vector<tactful_text> placements;
    for (const std::string &name : options.placements) placements.push_back(text_view(name).c());
    std::vector<tactful_column_role> roles;
    for (const std::pair<std::string, std::string> &role : options.roles) {
      tactful_column_role one;
      one.role = text_view(role.first).c();
      one.column = text_view(role.second).c();
      roles.push_back(one);
    }
    tactful_replay_options given;
    given.decide_at = options.decide_at.data();
    given.decide_at_count = options.decide_at.size();
    given.placements = placements.data();
    given.placement_count = placements.size();
    given.roles = roles.data();
    given.role_count = roles.size();
    given.outcome = text_view(options.outcome).c();
    given.forecast = options.forecast.data();
    given.forecast_length = options.forecast.size();
    given.bad_rows = options.report_bad_rows ? TACTFUL_BAD_ROWS_REPORT : TACTFUL_BAD_ROWS_STOP;
    detail::outcome outcome;
    outcome.check(tactful_replay_new(with.c(), &given, handle_.out(), outcome));
  }
  /** Consumes the stream. */
  void add(ArrowArrayStream *stream) {
    detail::outcome outcome;
    outcome.check(tactful_replay_add_stream(handle_.get(), stream, outcome));
  }
  void add(const std::vector<tactful_column> &columns, std::size_t rows) {
    detail::outcome outcome;
    outcome.check(tactful_replay_add_columns(handle_.get(), columns.data(), columns.size(), rows, outcome));
  }
  void run() {
    detail::outcome outcome;
    outcome.check(tactful_replay_run(handle_.get(), outcome));
  }
  /** Exports a result; whoever asked releases it. */
  void table(text_view name, ArrowArrayStream *stream) const {
    detail::outcome outcome;
    outcome.check(tactful_replay_table(handle_.get(), name.c(), stream, outcome));
  }
  /** What another replay of the same history does differently, as a JSON object. */
  std::string compare(const replay &after) const {
    detail::handle<tactful_answer, tactful_answer_free> answer;
    detail::outcome outcome;
    outcome.check(tactful_replay_compare(handle_.get(), after.handle_.get(), answer.out(), outcome));
    return text_view(tactful_answer_to_json(answer.get())).str();
  }
  tactful_replay_stats stats() const {
    tactful_replay_stats stats = tactful_replay_stats();
    tactful_replay_get_stats(handle_.get(), &stats);
    return stats;
  }
  /** The names of columns that were not read. */
  std::vector<std::string> ignored_columns() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; text_view(tactful_replay_ignored_column(handle_.get(), i)); ++i) {
      names.push_back(text_view(tactful_replay_ignored_column(handle_.get(), i)).str());
    }
    return names;
  }

private:
  detail::handle<tactful_replay, tactful_replay_free> handle_;
};

/** Names with conditions, or names of facts with types. */
typedef std::vector<std::pair<std::string, std::string>> pairs;

namespace detail {

inline std::vector<tactful_pair> lent(const pairs &told) {
  std::vector<tactful_pair> all;
  for (const std::pair<std::string, std::string> &one : told) {
    tactful_pair pair;
    pair.name = text_view(one.first).c();
    pair.text = text_view(one.second).c();
    all.push_back(pair);
  }
  return all;
}

} // namespace detail

/** An expression on its own. */
class expression {
public:
  /** Without facts names are looked up when it is evaluated. */
  explicit expression(text_view text, const pairs &facts = pairs()) {
    const std::vector<tactful_pair> given = detail::lent(facts);
    detail::outcome outcome;
    outcome.check(tactful_expression_compile(text.c(), given.data(), given.size(), handle_.out(), outcome));
  }
  /** The outcome as JSON, for facts as a JSON object; see tactful_expression_evaluate. */
  std::string evaluate(text_view facts, std::int64_t now = no_time) const {
    detail::handle<tactful_answer, tactful_answer_free> answer;
    detail::outcome outcome;
    outcome.check(tactful_expression_evaluate(handle_.get(), facts.c(), now, answer.out(), outcome));
    return text_view(tactful_answer_to_json(answer.get())).str();
  }

private:
  detail::handle<tactful_expression, tactful_expression_free> handle_;
};

/** Many named conditions over one schema. */
class rule_set {
public:
  rule_set(const pairs &conditions, const pairs &facts) {
    const std::vector<tactful_pair> rules = detail::lent(conditions), schema = detail::lent(facts);
    detail::outcome outcome;
    outcome.check(tactful_rules_compile(rules.data(), rules.size(), schema.data(), schema.size(), handle_.out(), outcome));
  }
  std::size_t size() const noexcept { return tactful_rules_count(handle_.get()); }
  text_view name(std::uint32_t rule) const noexcept { return tactful_rules_name(handle_.get(), rule); }
  /** TACTFUL_NO_NUMBER when there is none. */
  std::uint32_t find(text_view name) const noexcept { return tactful_rules_find(handle_.get(), name.c()); }
  /** The number of a fact, for row::set. */
  std::uint32_t fact(text_view name) const noexcept { return tactful_rules_fact(handle_.get(), name.c()); }
  /** What is probably not meant. */
  std::vector<diagnostic> warnings() const {
    std::vector<diagnostic> all;
    tactful_diagnostic found;
    for (std::size_t i = 0; tactful_rules_warning(handle_.get(), i, &found); ++i) all.push_back(diagnostic(found));
    return all;
  }
  /** Why a rule comes to what it does, as JSON, for facts as a JSON object. */
  std::string explain(text_view name, text_view facts, std::int64_t now = no_time) const {
    detail::handle<tactful_answer, tactful_answer_free> answer;
    detail::outcome outcome;
    outcome.check(tactful_rules_explain(handle_.get(), name.c(), facts.c(), now, answer.out(), outcome));
    return text_view(tactful_answer_to_json(answer.get())).str();
  }
  /** Matches the rows of a stream, which is consumed; whoever asked releases `matches`. */
  void match(ArrowArrayStream *stream, ArrowArrayStream *matches) const {
    detail::outcome outcome;
    outcome.check(tactful_rules_match_stream(handle_.get(), stream, matches, outcome));
  }
  const tactful_rules *c() const noexcept { return handle_.get(); }

private:
  detail::handle<tactful_rules, tactful_rules_free> handle_;
};

/** The facts of one customer, prepared for one rule set. */
class row {
public:
  explicit row(const rule_set &rules) {
    detail::outcome outcome;
    outcome.check(tactful_row_new(rules.c(), handle_.out(), outcome));
  }
  /** By the number of the fact, see rule_set::fact. */
  row &set(std::uint32_t fact, const value &told) {
    detail::outcome outcome;
    outcome.check(tactful_row_set(handle_.get(), fact, told.c(), outcome));
    return *this;
  }
  row &read_json(text_view json) {
    detail::outcome outcome;
    outcome.check(tactful_row_read_json(handle_.get(), json.c(), outcome));
    return *this;
  }
  row &now(std::int64_t time) {
    detail::outcome outcome;
    outcome.check(tactful_row_set_now(handle_.get(), time, outcome));
    return *this;
  }
  void clear() noexcept { tactful_row_clear(handle_.get()); }
  /** The numbers of the rules that are known to be true. */
  std::vector<std::uint32_t> matches() {
    const std::uint32_t *first = nullptr;
    std::size_t count = 0;
    detail::outcome outcome;
    outcome.check(tactful_row_matches(handle_.get(), &first, &count, outcome));
    return count == 0 ? std::vector<std::uint32_t>() : std::vector<std::uint32_t>(first, first + count);
  }
  /** TACTFUL_TRUTH_TRUE and so on. */
  std::int32_t value_of(std::uint32_t rule) const noexcept { return tactful_row_value(handle_.get(), rule); }

private:
  detail::handle<tactful_row, tactful_row_free> handle_;
};

} // namespace tactful

#endif /* TACTFUL_HPP */
