use crate::error::{Failure, Finding, fill, tactful_diagnostic, tactful_error, tactful_status};
use crate::guard::{Out, answer, array, exclusive, free, giving, guard, shared};
use crate::query::tactful_answer;
use crate::text::{Text, lend, optional_time, tactful_text, time};
use crate::value::tactful_value;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use tactful::expr::{Expression, FactError, FactId, NamedFacts, Outcome, Row, RowError, RuleId, RuleScratch};
use tactful::expr::{RuleSet, Schema, Truth};
use tactful::{Timestamp, Value};
use tactful_arrow::{ArrowArrayStream, Matching, Reader};

/// It is known to be true.
pub const TACTFUL_TRUTH_TRUE: i32 = 1;
/// It is known to be false.
pub const TACTFUL_TRUTH_FALSE: i32 = 2;
/// It depends on facts that are missing.
pub const TACTFUL_TRUTH_UNKNOWN: i32 = 3;
/// It cannot be computed.
pub const TACTFUL_TRUTH_ERROR: i32 = 4;

/// No such rule or fact.
pub const TACTFUL_NO_NUMBER: u32 = u32::MAX;

/// Two texts that belong together: a rule's name and its condition, or a fact's dotted name and its type.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tactful_pair {
    /// The name.
    pub name: tactful_text,
    /// The condition, or the type, such as "int", "money(EUR)" or "list(string)".
    pub text: tactful_text,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<tactful_pair>() == 32 && std::mem::offset_of!(tactful_pair, text) == 16);

/// An expression on its own. Never changes; one is enough for all threads.
#[derive(Debug)]
pub struct tactful_expression {
    expression: Expression,
    schema: Option<Arc<Schema>>,
}

/// Many named conditions over one schema. Never changes; one is enough for all threads.
#[derive(Debug)]
pub struct tactful_rules {
    inner: Arc<Inner>,
    warnings: Vec<Finding>,
}

#[derive(Debug)]
struct Inner {
    rules: RuleSet,
    schema: Arc<Schema>,
    names: Vec<Text>,
}

/// The facts of one customer, prepared for the rules of one tactful_rules, and what the last question found. Facts that were not set are
/// unknown.
#[derive(Debug)]
pub struct tactful_row {
    inner: Arc<Inner>,
    row: Row,
    scratch: RuleScratch,
    found: Vec<u32>,
}

/// # Safety
/// `values` points to `count` pairs, whose texts can be read.
unsafe fn pairs<'a>(values: *const tactful_pair, count: usize, what: &str) -> Result<Vec<(&'a str, &'a str)>, Failure> {
    // SAFETY: as promised by the caller.
    let values = unsafe { array(values, count, what) }?;
    let read = |(number, pair): (usize, &tactful_pair)| {
        // SAFETY: as promised by the caller.
        let (name, text) =
            unsafe { (pair.name.read(&format!("{what}[{number}].name"))?, pair.text.read(&format!("{what}[{number}].text"))?) };
        Ok((name, text))
    };
    values.iter().enumerate().map(read).collect()
}

/// Compiles an expression. `facts` are the dotted names and types of `count` facts; with none of them names are looked up when it is
/// evaluated, else names and types are checked now. The caller frees the expression with tactful_expression_free.
///
/// Thread-safe. Fails with TACTFUL_INVALID_EXPRESSION and everything that is wrong, or TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_expression_compile(
    text: tactful_text,
    facts: *const tactful_pair,
    count: usize,
    expression: *mut *mut tactful_expression,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(expression, "expression", error, || {
        // SAFETY: by contract.
        let (text, facts) = unsafe { (text.read("text")?, pairs(facts, count, "facts")?) };
        let schema = if facts.is_empty() { None } else { Some(Arc::new(schema(facts)?)) };
        let expression = Expression::compile(text, schema.as_deref()).map_err(tactful_error::expression)?;
        Ok(tactful_expression { expression, schema })
    })
}

/// Evaluates an expression for facts that are given as a JSON object, by dotted name or nested. `now_micros` may be TACTFUL_NO_TIME when
/// the expression does not read "now". The answer is {"outcome": "value", "kind": …, "value": …} with the kind of CEL ("int", "uint",
/// "bytes" …), {"outcome": "unknown", "missing": [...]} or {"outcome": "error", "code": …, "message": …}; bytes are hexadecimal digits, an
/// optional holds {"kind": …, "value": …} or null. The caller frees the answer with tactful_answer_free.
///
/// Thread-safe. Fails with TACTFUL_INVALID_FACTS or TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_expression_evaluate(
    expression: *const tactful_expression,
    facts: tactful_text,
    now_micros: i64,
    answer: *mut *mut tactful_answer,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(answer, "answer", error, || {
        // SAFETY: by contract.
        let (expression, facts) = unsafe { (shared(expression, "expression")?, facts.read("facts")?) };
        let now = optional_time(now_micros, "now_micros")?;
        if now.is_none() && expression.expression.checked().reads().now {
            return Err(tactful_error::argument("missing_now", "now_micros", "the expression reads `now`; give an instant"));
        }
        let facts = NamedFacts::from_json(expression.schema.as_ref(), facts, now.unwrap_or(Timestamp::MIN))?;
        let told = match expression.expression.evaluate(&facts).outcome {
            Outcome::Value(value) => {
                let mut told = kind(&value);
                told["outcome"] = json!("value");
                told
            }
            Outcome::Unknown(missing) => json!({"outcome": "unknown", "missing": missing.iter().collect::<Vec<_>>()}),
            Outcome::Error(error) => json!({"outcome": "error", "code": error.code.name(), "message": error.message}),
        };
        Ok(tactful_answer::of(told.to_string()))
    })
}

/// A value with its kind; lists and maps hold plain values.
fn kind(value: &Value) -> Json {
    let plain = match value {
        Value::Optional(held) => held.as_ref().map_or(Json::Null, |held| kind(held)),
        other => other.to_json(),
    };
    json!({"kind": value.type_name(), "value": plain})
}

/// Frees an expression. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_expression_free(expression: *mut tactful_expression) {
    // SAFETY: by contract null or not freed yet.
    unsafe { free(expression) }
}

/// Compiles rules, each a name and a condition, over `fact_count` facts, each a dotted name and a type. The caller frees the rules with
/// tactful_rules_free.
///
/// Thread-safe. Fails with TACTFUL_INVALID_EXPRESSION and everything that is wrong with any rule, the path being its name, or
/// TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_rules_compile(
    conditions: *const tactful_pair,
    count: usize,
    facts: *const tactful_pair,
    fact_count: usize,
    rules: *mut *mut tactful_rules,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(rules, "rules", error, || {
        // SAFETY: by contract.
        let (conditions, facts) = unsafe { (pairs(conditions, count, "conditions")?, pairs(facts, fact_count, "facts")?) };
        let schema = Arc::new(schema(facts)?);
        let names = conditions.iter().map(|(name, _)| Text::new(*name)).collect();
        let rules = RuleSet::compile_shared(conditions, schema.clone()).map_err(tactful_error::expression)?;
        let warnings = rules.warnings().iter().map(Finding::new).collect();
        Ok(tactful_rules { inner: Arc::new(Inner { rules, schema, names }), warnings })
    })
}

fn schema(facts: Vec<(&str, &str)>) -> Result<Schema, Failure> {
    tactful::playbook::schema(facts).map_err(tactful_error::expression)
}

/// How many rules there are. 0 for null.
///
/// Thread-safe, as are all accessors of rules.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_rules_count(rules: *const tactful_rules) -> usize {
    // SAFETY: by contract.
    unsafe { rules.as_ref() }.map_or(0, |rules| rules.inner.rules.len())
}

/// The name of the rule at `index`, in the order given. Borrowed from the rules. None when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_rules_name(rules: *const tactful_rules, index: u32) -> tactful_text {
    // SAFETY: by contract.
    lend(unsafe { rules.as_ref() }.and_then(|rules| rules.inner.names.get(index as usize)))
}

/// The number of the rule of a name; TACTFUL_NO_NUMBER when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_rules_find(rules: *const tactful_rules, name: tactful_text) -> u32 {
    answer(TACTFUL_NO_NUMBER, || {
        // SAFETY: by contract.
        let found = unsafe { rules.as_ref() }.and_then(|rules| rules.inner.rules.rule(unsafe { name.read("name") }.ok()?));
        found.map_or(TACTFUL_NO_NUMBER, |rule| rule.0)
    })
}

/// The number of the fact of a dotted name, by which it is set quickly; TACTFUL_NO_NUMBER when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_rules_fact(rules: *const tactful_rules, name: tactful_text) -> u32 {
    answer(TACTFUL_NO_NUMBER, || {
        // SAFETY: by contract.
        let found = unsafe { rules.as_ref() }.and_then(|rules| rules.inner.schema.fact(unsafe { name.read("name") }.ok()?));
        found.map_or(TACTFUL_NO_NUMBER, |fact| fact.0)
    })
}

/// Fills `warning` with what is probably not meant in some rule, although all compile. False, and nothing is written, when there is none at
/// `index`. Its texts are borrowed from the rules.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_rules_warning(
    rules: *const tactful_rules,
    index: usize,
    warning: *mut tactful_diagnostic,
) -> bool {
    // SAFETY: by contract.
    unsafe { fill(warning, || rules.as_ref()?.warnings.get(index).map(Finding::lend)) }
}

/// Says why a rule comes to what it does, for facts that are given as a JSON object: {"text": …, "value": …, "parts": [...], "reasons":
/// [...]}. `now_micros` may be TACTFUL_NO_TIME when no rule reads "now". The caller frees the answer with tactful_answer_free.
///
/// Thread-safe. Fails with TACTFUL_INVALID_FACTS, or TACTFUL_INVALID_ARGUMENT, also for an unknown rule.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_rules_explain(
    rules: *const tactful_rules,
    name: tactful_text,
    facts: tactful_text,
    now_micros: i64,
    answer: *mut *mut tactful_answer,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(answer, "answer", error, || {
        // SAFETY: by contract.
        let (rules, name, facts) = unsafe { (shared(rules, "rules")?, name.read("name")?, facts.read("facts")?) };
        let now = optional_time(now_micros, "now_micros")?.unwrap_or(Timestamp::MIN);
        let facts = NamedFacts::from_json(Some(&rules.inner.schema), facts, now)?;
        let Some(explanation) = rules.inner.rules.explain(name, &facts) else {
            let shown: String = name.chars().take(80).collect();
            return Err(tactful_error::argument("no_such_rule", "name", format!("there is no rule `{shown}`")));
        };
        let mut told = serde_json::to_value(&explanation).map_err(|error| tactful_error::internal(&error.to_string()))?;
        told["reasons"] = json!(explanation.reasons());
        Ok(tactful_answer::of(told.to_string()))
    })
}

/// Matches the rows of a stream of the Arrow C stream interface, which is consumed and left released, also when this fails. `matches` becomes
/// a stream with the columns "row", from 0 over all batches, and "rule", one row for every match; the caller releases it. What it held
/// before is overwritten. Columns are found by the names of facts; a list column is read for a
/// fact that is a list.
///
/// Thread-safe. Fails with TACTFUL_INVALID_DATA or TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_rules_match_stream(
    rules: *const tactful_rules,
    stream: *mut ArrowArrayStream,
    matches: *mut ArrowArrayStream,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract. Taken first, so that the stream is released whatever comes.
        let reader = unsafe { Reader::take(stream) };
        let out = Out::new(matches, "matches")?;
        // SAFETY: by contract.
        let rules = &unsafe { shared(rules, "rules") }?.inner.rules;
        let mut matching = Matching::new(rules);
        for chunk in reader? {
            matching.add(&chunk?)?;
        }
        // SAFETY: by contract.
        unsafe { out.write(matching.table()?.stream()) };
        Ok(())
    })
}

/// Frees rules. Rows made for them stay usable. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_rules_free(rules: *mut tactful_rules) {
    // SAFETY: by contract null or not freed yet.
    unsafe { free(rules) }
}

/// Makes a row without facts. The caller frees it with tactful_row_free; it may outlive the rules.
///
/// Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_row_new(
    rules: *const tactful_rules,
    row: *mut *mut tactful_row,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(row, "row", error, || {
        // SAFETY: by contract.
        let inner = unsafe { shared(rules, "rules") }?.inner.clone();
        let (row, scratch) = (inner.rules.row(), inner.rules.scratch());
        Ok(tactful_row { inner, row, scratch, found: Vec::new() })
    })
}

/// Sets a fact by its number, see tactful_rules_fact, or makes it unknown with TACTFUL_VALUE_NONE. The value is copied.
///
/// Not thread-safe for one row, as are all its functions. Fails with TACTFUL_INVALID_FACTS when it does not fit, or with
/// TACTFUL_INVALID_ARGUMENT; the fact is unknown then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_row_set(
    row: *mut tactful_row,
    fact: u32,
    value: tactful_value,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let row = unsafe { exclusive(row, "row") }?;
        if fact == TACTFUL_NO_NUMBER {
            return Err(tactful_error::argument("unknown_fact", "fact", "expected the number of a declared fact"));
        }
        // SAFETY: by contract.
        match unsafe { value.read("value") }? {
            Some(value) => Ok(row.row.set(FactId(fact), &value)?),
            None => Ok(row.row.set(FactId(fact), &Value::Null)?),
        }
    })
}

/// Replaces all facts by those of a JSON object, by dotted name or nested; fields that no rule reads are skipped.
///
/// Fails with TACTFUL_INVALID_FACTS or TACTFUL_INVALID_ARGUMENT; the row is empty then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_row_read_json(
    row: *mut tactful_row,
    json: tactful_text,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (row, json) = unsafe { (exclusive(row, "row")?, json.read("json")?) };
        Ok(row.row.read_json(json)?)
    })
}

/// Sets the instant, for rules that read "now".
///
/// Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_row_set_now(
    row: *mut tactful_row,
    now_micros: i64,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        unsafe { exclusive(row, "row") }?.row.set_now(time(now_micros, "now_micros")?);
        Ok(())
    })
}

/// Forgets all facts; the instant stays. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_row_clear(row: *mut tactful_row) {
    answer((), || {
        // SAFETY: by contract.
        if let Some(row) = unsafe { row.as_mut() } {
            row.row.clear();
        }
    });
}

/// Finds the rules that are known to be true: `matches` becomes the numbers of `count` rules in the order given, borrowed from the row until
/// it is used again.
///
/// Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_row_matches(
    row: *mut tactful_row,
    matches: *mut *const u32,
    count: *mut usize,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        let (list, length) = (Out::new(matches, "matches")?, Out::new(count, "count")?);
        // SAFETY: by contract.
        let tactful_row { inner, row, scratch, found } = unsafe { exclusive(row, "row") }?;
        found.clear();
        found.extend(inner.rules.matches(row, scratch).iter().map(|rule| rule.0));
        // SAFETY: by contract.
        unsafe {
            list.write(found.as_ptr());
            length.write(found.len());
        }
        Ok(())
    })
}

/// What one rule comes to: TACTFUL_TRUTH_TRUE and so on; 0 for null and for a rule that there is not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_row_value(row: *const tactful_row, rule: u32) -> i32 {
    answer(0, || {
        // SAFETY: by contract.
        let truth = unsafe { row.as_ref() }.and_then(|row| row.inner.rules.value(RuleId(rule), &row.row));
        match truth {
            Some(Truth::True) => TACTFUL_TRUTH_TRUE,
            Some(Truth::False) => TACTFUL_TRUTH_FALSE,
            Some(Truth::Unknown) => TACTFUL_TRUTH_UNKNOWN,
            Some(Truth::Error) => TACTFUL_TRUTH_ERROR,
            None => 0,
        }
    })
}

/// Frees a row. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_row_free(row: *mut tactful_row) {
    // SAFETY: by contract null or not freed yet.
    unsafe { free(row) }
}

impl From<FactError> for Failure {
    fn from(error: FactError) -> Self {
        tactful_error::facts(error.code(), error.path(), error.message())
    }
}

impl From<RowError> for Failure {
    fn from(error: RowError) -> Self {
        tactful_error::facts(error.code(), error.path().unwrap_or(""), &error.to_string())
    }
}
