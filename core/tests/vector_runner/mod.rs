//! Runs the shared cases of `tests/vectors` through the Rust interface.

use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tactful::base::CustomerBase;
use tactful::customer::Arrival;
use tactful::next::NextOptions;
use tactful::trends::{Answer, ShownCell, Snapshot, TrendError, Trends};
use tactful::{Assurance, Duration, Effects, Engine, Event, Identifier, Request, Timestamp, Value};

/// The folder of the cases.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors")
}

/// All files with cases, by name.
pub(crate) fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder())
        .expect("the folder of the vectors is there")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

/// Reads a file with cases.
pub(crate) fn read(path: &Path) -> Json {
    let text = fs::read_to_string(path).expect("it can be read");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The same file with every checked key as it really comes out.
pub(crate) fn run(file: &Json) -> Json {
    let engine = compiled(&file["playbook"]);
    // Other versions of the playbook, which a step may change to.
    let versions: BTreeMap<&str, Engine> =
        file["versions"].as_object().into_iter().flatten().map(|(name, lines)| (name.as_str(), compiled(lines))).collect();
    let mut found = file.clone();
    for case in found["cases"].as_array_mut().expect("cases") {
        let mut base = CustomerBase::new(engine.clone());
        let mut counted = Counted::default();
        let mut held = Held::new();
        let mut keys: Option<String> = None;
        for step in case["steps"].as_array_mut().expect("steps") {
            if let Some(reload) = step.get("reload") {
                let engine = &versions[reload["version"].as_str().expect("the name of a version")];
                base = CustomerBase::from_bytes(engine.clone(), &base.to_bytes()).expect("another version reads it");
                continue;
            }
            run_step(&mut base, &mut counted, &mut held, step);
            let engine = base.engine().clone();
            // State goes round as bytes between any two steps.
            let bytes = base.to_bytes();
            base = CustomerBase::from_bytes(engine, &bytes).expect("what was just written is read");
            // Bytes hold no key.
            if let Some(key) = step.get("erase").and_then(|erase| erase["key"].as_str()).filter(|_| step.get("error").is_none())
            {
                keys = Some(key.to_owned());
            }
            keys.iter().for_each(|key| base.unlock(key.as_bytes()).expect("it is its key"));
            assert_eq!(base.to_bytes(), bytes);
        }
    }
    found
}

/// The engine of a playbook, which is a list of lines.
fn compiled(lines: &Json) -> Engine {
    let lines: Vec<&str> = lines.as_array().expect("lines").iter().map(|line| line.as_str().expect("text")).collect();
    Engine::compile(&[("playbook.yaml", &lines.join("\n"))]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn run_step(base: &mut CustomerBase, counted: &mut Counted, held: &mut Held, step: &mut Json) {
    let told = match &*step {
        step if step.get("record").is_some() => record(base, step),
        step if step.get("trends").is_some() => trends(base, counted, &step["trends"]),
        step if step.get("use").is_some() => go_by(base, counted, &step["use"]),
        step if step.get("learn").is_some() => learn(base, step),
        step if step.get("fold").is_some() => fold(base, step),
        step if step.get("advance").is_some() => advance(base, step),
        step if step.get("query").is_some() => query(base, step),
        step if step.get("erase").is_some() => erase(base, step),
        step if step.get("reserve").is_some() => reserve(base, counted, held, &step["reserve"]),
        step if ["confirm", "release", "feedback"].iter().any(|kind| step.get(kind).is_some()) => tell(base, held, step),
        step => question(base, counted, step),
    };
    let keys: Vec<String> = step.as_object().expect("an object").keys().cloned().collect();
    for key in keys {
        match key.as_str() {
            "record" | "learn" | "use" | "decide" | "explain" | "query" | "fold" | "advance" | "trends" | "erase" => {}
            "reserve" | "confirm" | "release" | "feedback" => {}
            // Checked keys show what came out; what did not come out at all is null.
            _ => step[&key] = told.get(&key).cloned().unwrap_or(Json::Null),
        }
    }
    // An error that nobody expected is shown, so that it cannot pass unseen.
    if let Some(error) = told.get("error") {
        step["error"] = error.clone();
    }
}

fn record(base: &mut CustomerBase, step: &Json) -> Json {
    let recorded = Event::from_json(&step["record"].to_string()).and_then(|event| base.record(&event));
    match recorded {
        Ok(effects) => {
            let arrival = match effects.arrival {
                Some(Arrival::New) => "new",
                Some(Arrival::Duplicate) => "duplicate",
                Some(Arrival::ConflictKeptOld) => "conflict_kept_old",
                Some(Arrival::ConflictKeptNew { .. }) => "conflict_kept_new",
                None => "none",
            };
            json!({"arrival": arrival, "effects": shown(&effects)})
        }
        Err(error) => json!({"error": {"code": error.code(), "path": error.path()}}),
    }
}

fn shown(effects: &Effects) -> Vec<Json> {
    let one = |effect| {
        let mut effect = serde_json::to_value(effect).expect("effects are plain data");
        let object = effect.as_object_mut().expect("an object");
        object.remove("id");
        object.remove("cause");
        effect
    };
    effects.effects.iter().map(one).collect()
}

/// Trends and snapshots of a case, by the names that its steps give them.
#[derive(Default)]
struct Counted {
    trends: BTreeMap<String, Trends>,
    snapshots: BTreeMap<String, Snapshot>,
}

/// Goes on with trends or a table of items.
fn go_by(base: &mut CustomerBase, counted: &Counted, asked: &Json) -> Json {
    let (engine, told) = match asked.get("trends").and_then(Json::as_str) {
        Some(name) => match base.engine().with_trends(counted.snapshots[name].clone()) {
            Ok(engine) => (engine, json!({})),
            Err(error) => return json!({"error": {"code": error.code(), "path": ""}}),
        },
        None => match base.engine().with_catalog_text(asked["catalog"].as_str().expect("a table")) {
            Ok((engine, bad)) => (engine, json!({"bad": bad})),
            Err(error) => return json!({"error": {"code": error.code(), "path": ""}}),
        },
    };
    base.set_engine(engine).expect("it is of the same playbook");
    told
}

fn trends(base: &CustomerBase, counted: &mut Counted, asked: &Json) -> Json {
    let text = |key: &str| asked.get(key).and_then(Json::as_str);
    let time = |key: &str| Timestamp::parse(text(key).expect("text")).expect("a time");
    let engine = base.engine();
    let mut own = text("of").map(|name| counted.trends.remove(name).unwrap_or_else(|| engine.trends()));
    let told: Result<Json, TrendError> = match (&mut own, asked) {
        (Some(own), asked) if asked.get("observe").is_some() => {
            match text("observe").expect("text") {
                "" => base.observe(own),
                name => {
                    let customer = base.find(&Identifier::parse(name).expect("an identifier")).expect("somebody known");
                    engine.observe(own, customer);
                }
            }
            Ok(json!(own.len()))
        }
        (Some(own), asked) if asked.get("hear").is_some() => {
            let heard = Event::from_json(&asked["hear"].to_string()).and_then(|event| engine.hear(own, &event));
            match heard {
                Ok(()) => Ok(json!(own.len())),
                Err(error) => {
                    let own = own.clone();
                    counted.trends.extend(text("of").map(|name| (name.to_owned(), own)));
                    return json!({"error": {"code": error.code(), "path": error.path()}});
                }
            }
        }
        (Some(own), asked) if asked.get("forget").is_some() => Ok(json!(own.forget(text("forget").expect("text")))),
        (Some(own), asked) if asked.get("merge").is_some() => {
            own.merge(&counted.trends[text("merge").expect("text")]).map(|()| json!(own.len()))
        }
        (Some(own), asked) if asked.get("snapshot").is_some() => {
            let before = text("before").map(|name| &counted.snapshots[name]);
            own.snapshot(time("at"), before).map(|made| {
                let digest = made.digest();
                let read = engine.snapshot_from_bytes(&made.to_bytes()).expect("what was just written is read");
                assert_eq!(read, made);
                counted.snapshots.insert(text("snapshot").expect("text").to_owned(), read);
                json!(digest)
            })
        }
        (None, asked) => {
            let snapshot = &counted.snapshots[text("in").expect("a snapshot")];
            match text("read") {
                Some(trend) => {
                    let values = asked["values"].as_object().into_iter().flatten();
                    let values: Vec<(&str, &str)> =
                        values.map(|(name, value)| (&**name, value.as_str().expect("text"))).collect();
                    let shown = |found: Answer| json!({"count": found.count, "sum": found.sum, "customers": found.customers});
                    snapshot.read(trend, &values, time("now")).map(|found| found.map_or(Json::Null, shown))
                }
                None => snapshot.cells(text("cells").expect("a trend"), time("now")).map(|cells| {
                    serde_json::to_value(cells.iter().map(ShownCell::from).collect::<Vec<_>>()).expect("plain data")
                }),
            }
        }
        _ => panic!("not a step of trends: {asked}"),
    };
    if let (Some(own), Some(name)) = (own, text("of")) {
        let read = engine.trends_from_bytes(&own.to_bytes()).expect("what was just written is read");
        assert_eq!(read, own);
        counted.trends.insert(name.to_owned(), read);
    }
    match told {
        Ok(answer) => json!({"answer": answer}),
        Err(error) => json!({"error": {"code": error.code(), "path": ""}}),
    }
}

fn learn(base: &mut CustomerBase, step: &Json) -> Json {
    let at = Timestamp::parse(step["learn"]["at"].as_str().expect("text")).expect("a time");
    base.learn(&NextOptions::new(at)).expect("a period that does not end before it begins");
    json!({})
}

fn fold(base: &mut CustomerBase, step: &Json) -> Json {
    let horizon = Timestamp::parse(step["fold"]["horizon"].as_str().expect("text")).expect("a time");
    let (count, effects) = base.fold(horizon);
    json!({"folded": count, "effects": shown(&effects)})
}

fn advance(base: &mut CustomerBase, step: &Json) -> Json {
    let now = Timestamp::parse(step["advance"]["now"].as_str().expect("text")).expect("a time");
    let effects = base.advance(now);
    json!({"effects": shown(&effects), "next_due": base.next_due()})
}

fn query(base: &CustomerBase, step: &Json) -> Json {
    match base.query(&step["query"].to_string()) {
        Ok(answer) => json!({"answer": serde_json::from_str::<Json>(&answer).expect("an answer is JSON")}),
        Err(error) => json!({"error": {"code": error.code(), "path": error.path()}}),
    }
}

fn erase(base: &mut CustomerBase, step: &Json) -> Json {
    let asked = |key: &str| step["erase"][key].as_str();
    let identifier = Identifier::parse(asked("identifier").expect("text")).expect("an identifier");
    let at = Timestamp::parse(asked("at").expect("text")).expect("a time");
    let key = asked("key").expect("text").as_bytes();
    let erasure = match asked("scope") {
        Some("identifier") => base.erase_identifier(&identifier, at, key),
        _ => base.erase(&identifier, at, key),
    };
    match erasure {
        Ok(erasure) => json!({"receipt": erasure.receipt}),
        Err(error) => json!({"error": {"code": error.code(), "path": error.path()}}),
    }
}

/// Ids of decisions, by the names that steps give them.
type Held = BTreeMap<String, String>;

fn reserve(base: &mut CustomerBase, counted: &Counted, held: &mut Held, asked: &Json) -> Json {
    let (identifier, request, now) = asked_of(asked, counted);
    let length = asked.get("reserve_for").map(|length| Duration::parse(length.as_str().expect("text")).expect("a length"));
    match base.reserve(&identifier, &request, now, length) {
        Ok(made) => {
            if let Some(name) = asked.get("as").and_then(Json::as_str) {
                held.insert(name.to_owned(), made.decision.id.to_string());
            }
            json!({"decision": made.decision.to_json(), "expires": made.expires})
        }
        Err(error) => json!({"error": {"code": error.code(), "path": error.path()}}),
    }
}

/// `confirm`, `release` or `feedback`.
fn tell(base: &mut CustomerBase, held: &Held, step: &Json) -> Json {
    let kind = ["confirm", "release", "feedback"].into_iter().find(|kind| step.get(kind).is_some()).expect("one of them");
    let asked = &step[kind];
    let text = |key: &str| asked.get(key).and_then(Json::as_str);
    let identifier = Identifier::parse(text("identifier").expect("text")).expect("an identifier");
    let decision = text("decision").expect("text");
    let decision = held.get(decision).map_or(decision, String::as_str);
    let (offer, outcome) = (text("offer"), text("outcome").unwrap_or("shown"));
    let now = Timestamp::parse(text("now").expect("text")).expect("a time");
    let told = match kind {
        "confirm" => base.confirm(&identifier, decision, offer, outcome, now),
        "release" => base.release(&identifier, decision, offer, now),
        _ => base.feedback(&identifier, decision, offer, outcome, now),
    };
    match told {
        Ok(_) => json!({}),
        Err(error) => json!({"error": {"code": error.code(), "path": error.path()}}),
    }
}

/// Who is asked what, and when.
fn asked_of(asked: &Json, counted: &Counted) -> (Identifier, Request, Timestamp) {
    let identifier = Identifier::parse(asked["identifier"].as_str().expect("text")).expect("an identifier");
    let now = Timestamp::parse(asked["now"].as_str().expect("a question has a time")).expect("a time");
    let placements = asked["placements"].as_array().expect("a list").iter().map(|name| name.as_str().expect("text").to_owned());
    let facts =
        asked.get("facts").and_then(Json::as_object).into_iter().flatten().map(|(name, value)| (name.clone(), plain(value)));
    let assurance = asked.get("assurance").map(|word| Assurance::named(word.as_str().expect("text")).expect("an assurance"));
    let scores = asked.get("scores").and_then(Json::as_object).into_iter().flatten().flat_map(|(column, numbers)| {
        let numbers = numbers.as_object().expect("numbers by offer").iter();
        numbers.map(|(offer, number)| (column.clone(), offer.clone(), number.as_f64().expect("a number")))
    });
    let trends = asked.get("trends").map(|name| counted.snapshots[name.as_str().expect("text")].clone());
    let request = Request {
        scores: scores.collect(),
        seed: asked.get("seed").map_or(0, |seed| seed.as_u64().expect("a seed")),
        trends: trends.map(Arc::new),
        placements: placements.collect(),
        facts: facts.collect(),
        assurance: assurance.unwrap_or_default(),
        reaction: asked.get("reaction").map(|name| name.as_str().expect("text").to_owned()),
        ..Request::default()
    };
    (identifier, request, now)
}

fn question(base: &CustomerBase, counted: &Counted, step: &Json) -> Json {
    let (asked, explain) = match step.get("explain") {
        Some(asked) => (asked, true),
        None => (&step["decide"], false),
    };
    let (identifier, request, now) = asked_of(asked, counted);
    let time = |key: &str| asked.get(key).map(|time| Timestamp::parse(time.as_str().expect("text")).expect("a time"));
    let answer = if explain {
        base.explain(&identifier, &request, now, time("known_at"))
    } else {
        base.decide(&identifier, &request, now, time("known_at"))
    };
    match answer {
        Ok(mut decision) => {
            let trace = decision.trace.take();
            let decided =
                base.decide(&identifier, &request, now, time("known_at")).expect("what can be explained can be decided");
            assert_eq!(decided.to_json(), decision.to_json(), "deciding and explaining differ");
            json!({"decision": decision.to_json(), "trace": trace})
        }
        Err(error) => json!({"error": {"code": error.code(), "path": error.path()}}),
    }
}

fn plain(value: &Json) -> Value {
    match value {
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number.as_i64().map_or_else(|| Value::Double(number.as_f64().expect("a number")), Value::Int),
        Json::String(text) => Value::text(text),
        other => panic!("no fact of a request: {other}"),
    }
}
