//! The features job as a batch: tables of events in Arrow's layout in, segments and the best offer of every customer out:
//! `cargo bench --bench batch`, beside the same in plain Rust without an engine.
//!
//! With `TACTFUL_PYTHON`, a Python that has polars, DuckDB and numpy, these do the same job in the same run (`python/features.py`).
//!
//! `TACTFUL_EVENTS` and `TACTFUL_CUSTOMERS` are 1,000,000 and 50,000 unless given. With `TACTFUL_EXPECTED`, a file such as
//! `expected_1m.json`, every segment's and every offer's number of customers is checked, and the sum of scores.

use std::collections::BTreeMap;
use std::sync::Arc;
use tactful::base::{Census, CensusOptions};
use tactful::column::{Batch, Column, TimeUnit};
use tactful::{Engine, Timestamp};
use tactful_benches::features::{
    CHANNELS, DAY, NOW, OFFERS, SEGMENTS, TYPES, Told, events, plain_best, playbook, sql, statics,
};
use tactful_benches::measure::thread_nanos;

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// A dictionary's texts.
fn entries(texts: &[&str]) -> (Vec<i32>, String) {
    let mut offsets = vec![0];
    let mut bytes = String::new();
    for text in texts {
        bytes.push_str(text);
        offsets.push(i32::try_from(bytes.len()).expect("short"));
    }
    (offsets, bytes)
}

fn main() {
    let (count, customers) = (number("TACTFUL_EVENTS", 1_000_000), number("TACTFUL_CUSTOMERS", 50_000));
    let told = events(count, customers);
    let engine = Engine::compile(&[("features.yaml", &playbook())]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let (type_entries, channel_entries, set) = (entries(&TYPES), entries(&CHANNELS), entries(&["attributes_set"]));
    let who: Vec<i64> = told.iter().map(|told| i64::from(told.customer)).collect();
    let kinds: Vec<i32> = told.iter().map(|told| i32::from(told.kind)).collect();
    let times: Vec<i64> = told.iter().map(|told| told.time).collect();
    let values: Vec<f64> = told.iter().map(|told| told.value).collect();
    let channels: Vec<i32> = told.iter().map(|told| i32::from(told.channel)).collect();
    let ids: Vec<i64> = (0..i64::try_from(customers).expect("few")).collect();
    let (zeros, year) = (vec![0_i32; ids.len()], vec![NOW - 365 * DAY; ids.len()]);
    let facts: Vec<Vec<i64>> =
        (0..4).map(|place| (0..customers).map(|customer| statics(customer as u32)[place]).collect()).collect();
    let text = |entries: &'_ (Vec<i32>, String)| -> (Vec<i32>, Vec<u8>) { (entries.0.clone(), entries.1.clone().into_bytes()) };
    let (types, vias, sets) = (text(&type_entries), text(&channel_entries), text(&set));
    let dictionary = |indices: &'static [i32], texts: &'static (Vec<i32>, Vec<u8>)| {
        Column::dictionary(indices, Column::texts(&texts.0[..], &texts.1)).expect("plain entries")
    };
    let leak = |indices: Vec<i32>| -> &'static [i32] { indices.leak() };
    let keep = |texts: (Vec<i32>, Vec<u8>)| -> &'static (Vec<i32>, Vec<u8>) { Box::leak(Box::new(texts)) };
    let batch = Batch::new(
        vec![
            (Arc::from("customer"), Column::ints(&who[..])),
            (Arc::from("type"), dictionary(leak(kinds), keep(types))),
            (Arc::from("time"), Column::timestamps(&times[..], TimeUnit::Microsecond, None)),
            (Arc::from("value"), Column::doubles(&values[..])),
            (Arc::from("via"), dictionary(leak(channels), keep(vias))),
        ],
        told.len(),
    )
    .expect("equal lengths");
    let mut columns = vec![
        (Arc::from("customer"), Column::ints(&ids[..])),
        (Arc::from("type"), dictionary(leak(zeros), keep(sets))),
        (Arc::from("time"), Column::timestamps(&year[..], TimeUnit::Microsecond, None)),
    ];
    for (name, numbers) in ["tier", "region", "age", "consent"].iter().zip(&facts) {
        columns.push((Arc::from(*name), Column::ints(&numbers[..])));
    }
    let static_facts = Batch::new(columns, ids.len()).expect("equal lengths");
    let batches = [static_facts, batch];
    let now = Timestamp::from_micros(NOW).expect("in range");
    let options = CensusOptions { now, placement: Some("home".to_owned()), columns: BTreeMap::default() };
    let mut ours = f64::MAX;
    let mut floor = f64::MAX;
    for _ in 0..3 {
        let started = thread_nanos();
        let found = Census::of(&engine, &batches, &options).expect("it fits");
        ours = ours.min((thread_nanos() - started) as f64 / 1e9);
        assert_eq!((found.customers.len() as u64, found.from_stories), (customers, 0), "rows were enough");
        if let Ok(path) = std::env::var("TACTFUL_EXPECTED") {
            check(&found, &std::fs::read_to_string(path).expect("the file of expected answers"));
        }
        let started = thread_nanos();
        std::hint::black_box(plain(&told, customers));
        floor = floor.min((thread_nanos() - started) as f64 / 1e9);
    }
    println!(
        "batch, {count} events of {customers} customers: tactful {ours:.2} s of CPU, plain Rust {floor:.2} s, ratio {:.1}",
        ours / floor
    );
    match std::env::var("TACTFUL_PYTHON") {
        Ok(python) => {
            let found = Census::of(&engine, &batches, &options).expect("it fits");
            peers(&python, &told, customers, &found, ours);
        }
        Err(_) => println!("polars and DuckDB are left out: TACTFUL_PYTHON names no Python"),
    }
}

/// The same by others, whose answers have to be ours.
fn peers(python: &str, told: &[Told], customers: u64, found: &Census, ours: f64) {
    let folder = std::env::temp_dir().join(format!("tactful-features-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the tables");
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.join(name), bytes).expect("room for the tables");
    write("customer", told.iter().flat_map(|told| i64::from(told.customer).to_le_bytes()).collect());
    write("time", told.iter().flat_map(|told| told.time.to_le_bytes()).collect());
    write("type", told.iter().map(|told| told.kind).collect());
    write("value", told.iter().flat_map(|told| told.value.to_le_bytes()).collect());
    write("channel", told.iter().map(|told| told.channel).collect());
    for (place, name) in ["tier", "region", "age", "consent"].iter().enumerate() {
        write(name, (0..customers).flat_map(|customer| statics(customer as u32)[place].to_le_bytes()).collect());
    }
    let names = |list: &str| -> Vec<String> { list.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect() };
    let segments: Vec<_> = SEGMENTS.iter().map(|(name, when)| (name, sql(when))).collect();
    let offers: Vec<_> =
        OFFERS.iter().map(|(name, needs, forbids, score)| (name, names(needs), names(forbids), sql(score))).collect();
    let job = serde_json::json!({"now": NOW, "types": TYPES, "segments": segments, "offers": offers});
    write("job.json", job.to_string().into_bytes());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/features.py");
    let told = std::process::Command::new(python).arg(script).arg(&folder).output().expect("a Python that runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let sum: f64 = found.scores.iter().flatten().sum();
    for line in String::from_utf8_lossy(&told.stdout).lines() {
        let peer: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        for (name, members) in &found.segments {
            let count = members.iter().filter(|member| **member == Some(true)).count() as u64;
            assert_eq!(peer["segments"][&**name].as_u64(), Some(count), "{} says otherwise of {name}", peer["peer"]);
        }
        for (place, (name, ..)) in OFFERS.iter().enumerate() {
            let count = found.offers.iter().filter(|offer| offer.as_deref() == Some(*name)).count() as u64;
            assert_eq!(peer["offers"][place.to_string()].as_u64(), Some(count), "{} says otherwise of {name}", peer["peer"]);
        }
        assert!((peer["score"].as_f64().expect("a sum") - sum).abs() < 0.01, "{} has other scores", peer["peer"]);
        let cpu = peer["cpu"].as_f64().expect("seconds");
        println!("  {}: {cpu:.2} s of CPU, {:.1} times tactful's, with the same answers", peer["peer"].as_str().unwrap_or("?"), cpu / ours);
    }
    std::fs::remove_dir_all(&folder).expect("the tables are ours");
}

/// The same without an engine. The sum of scores.
fn plain(told: &[Told], customers: u64) -> f64 {
    let mut all = vec![[0_f64; 57]; customers as usize];
    let mut last = vec![(0_i64, 0_i64, 0_u8); customers as usize];
    for told in told {
        let (f, last) = (&mut all[told.customer as usize], &mut last[told.customer as usize]);
        let (age, i) = (NOW - told.time, usize::from(told.kind) * 3);
        f[51] += 1.0;
        last.0 = told.time;
        if told.kind == 4 {
            last.1 = told.time;
            f[52] += told.value;
        }
        if age > 90 * DAY {
            continue;
        }
        last.2 |= 1 << told.channel;
        for (k, days) in [7, 30, 90].iter().enumerate() {
            if age <= days * DAY {
                f[i + k] += 1.0;
                f[24 + i + k] += told.value;
            }
        }
    }
    let days = |last: i64| if last == 0 { 9_999.0 } else { ((NOW - last) / DAY) as f64 };
    let mut sum = 0.0;
    for (customer, (f, last)) in all.iter_mut().zip(&last).enumerate() {
        (f[48], f[49], f[50]) = (days(last.0), days(last.1), f64::from(last.2.count_ones()));
        for (place, value) in f[53..].iter_mut().zip(statics(customer as u32)) {
            *place = value as f64;
        }
        sum += plain_best(f);
    }
    sum
}

/// Compares with the job's answers.
fn check(found: &Census, expected: &str) {
    let expected: serde_json::Value = serde_json::from_str(expected).expect("JSON");
    for (name, members) in &found.segments {
        let count = members.iter().filter(|member| **member == Some(true)).count() as u64;
        assert_eq!(Some(count), expected["segments"][&**name].as_u64(), "segment {name}");
    }
    let mut offers: BTreeMap<&str, u64> = BTreeMap::new();
    for offer in &found.offers {
        *offers.entry(offer.as_deref().unwrap_or("none")).or_default() += 1;
    }
    for (name, count) in expected["offers"].as_object().expect("counts") {
        assert_eq!(offers.get(name.as_str()).copied().unwrap_or(0), count.as_u64().expect("a count"), "offer {name}");
    }
    let sum: f64 = found.scores.iter().flatten().sum();
    let wanted = expected["score_sum"].as_f64().expect("a sum");
    assert!((sum - wanted).abs() < 0.01, "scores add up to {sum}, not {wanted}");
}
