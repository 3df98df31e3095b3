//! The features job: an event arrives, and the customer's 48 windows, 20 segments and the best of 20 offers are asked for. The data come from a
//! counter; the playbook is the job's specification in rules.

use std::fmt::Write;
use tactful::{Event, Identifier, Timestamp};

/// The first instant, in microseconds.
pub const T0: i64 = 1_704_067_200_000_000;
/// A day in microseconds.
pub const DAY: i64 = 86_400_000_000;
/// The instant of all questions.
pub const NOW: i64 = T0 + 365 * DAY;
/// The event types.
pub const TYPES: [&str; 8] = ["view", "search", "add_to_cart", "email_open", "purchase", "support_ticket", "review", "return"];
/// The channels.
pub const CHANNELS: [&str; 6] = ["web", "app", "email", "store", "call_centre", "social"];
const SHARES: [f64; 8] = [0.50, 0.65, 0.77, 0.87, 0.92, 0.95, 0.97, 1.0];

/// One event.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// The customer's number.
    pub customer: u32,
    /// The number of its type.
    pub kind: u8,
    /// The number of its channel.
    pub channel: u8,
    /// When, in microseconds.
    pub time: i64,
    /// What it is worth.
    pub value: f64,
}

impl Told {
    /// The event that tells it.
    #[must_use]
    pub fn event(&self, id: &str, who: &Identifier) -> Event {
        Event::new(TYPES[usize::from(self.kind)], Timestamp::from_micros(self.time).expect("in range"), who.clone())
            .with_id(id)
            .with("value", self.value)
            .with("via", CHANNELS[usize::from(self.channel)])
    }
}

/// The event that arrives with a request.
#[must_use]
pub fn arriving(number: u64, time: i64, customer: u32) -> Told {
    Told { customer, kind: (number % 4) as u8, channel: (number % 6) as u8, time, value: 0.0 }
}

/// splitmix64's step.
#[must_use]
pub fn mix(z: u64) -> u64 {
    let z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// All events in time order.
#[must_use]
pub fn events(count: u64, customers: u64) -> Vec<Told> {
    let unit = |word: u64| (word >> 11) as f64 * 2_f64.powi(-53);
    let step = 365 * DAY / count as i64;
    (0..count)
        .map(|i| {
            let word = |k: u64| mix(20_240_101 + 4 * i + k);
            let (who, what, z) = (unit(word(0)), unit(word(1)), word(2));
            let kind = SHARES.iter().position(|share| what < *share).unwrap_or(7) as u8;
            let value = match kind {
                4 => (500 + z % 20_000) as f64 / 100.0,
                7 => (500 + z % 8_000) as f64 / 100.0,
                0 => (z % 300) as f64,
                6 => (1 + z % 5) as f64,
                _ => 0.0,
            };
            let customer = (who * who * customers as f64).floor() as u32;
            Told { customer, kind, channel: (word(3) % 6) as u8, time: T0 + i as i64 * step, value }
        })
        .collect()
}

/// What is known about a customer: tier, region, age, consent.
#[must_use]
pub fn statics(customer: u32) -> [i64; 4] {
    let h = mix(77_777 + u64::from(customer));
    [(h % 4) as i64, ((h >> 8) % 8) as i64, (18 + (h >> 16) % 60) as i64, i64::from((h >> 32) % 10 < 8)]
}

/// The segments: name and condition, `n_view_7` standing for a window.
pub const SEGMENTS: [(&str, &str); 20] = [
    ("active_week", "n_view_7 >= 1"),
    ("browser", "n_view_30 >= 2 && n_purchase_90 < 1"),
    ("cart_abandoner", "n_add_to_cart_7 >= 1 && n_purchase_7 < 1"),
    ("cart_abandoner_30", "n_add_to_cart_30 >= 2 && n_purchase_30 < 1"),
    ("recent_buyer", "events(\"purchase\").since_last().days() < 30"),
    ("repeat_buyer", "n_purchase_90 >= 2"),
    ("big_spender", "s_purchase_90 >= 250.0"),
    ("vip", "lifetime_spend >= 800.0 && events().since_last().days() < 60"),
    ("lapsed_buyer", "lifetime_spend >= 100.0 && events(\"purchase\").since_last().days() >= 120"),
    ("dormant", "!events().within(\"90d\").exists()"),
    ("returner", "n_return_90 >= 1"),
    ("heavy_returner", "s_return_90 >= 60.0 && n_purchase_90 < 2"),
    ("service_trouble", "n_support_ticket_30 >= 1"),
    ("service_crisis", "n_support_ticket_90 >= 2 && n_return_90 >= 1"),
    ("reviewer", "n_review_90 >= 1"),
    ("email_engaged", "n_email_open_30 >= 1 && customer.consent == 1"),
    ("omnichannel", "distinct_channels >= 4"),
    ("young_searcher", "n_search_30 >= 1 && customer.age < 30"),
    ("gold_tier_active", "customer.tier == 3 && events().since_last().days() < 30"),
    ("region_push", "customer.region == 5 && n_view_90 >= 1 && customer.consent == 1"),
];

/// The offers: name, segments needed, segments forbidden, score.
pub const OFFERS: [(&str, &str, &str, &str); 20] = [
    ("welcome_back", "dormant", "", "10.0 + lifetime_n * 0.125"),
    ("cart_reminder", "cart_abandoner", "service_trouble", "40.0 + n_add_to_cart_7 * 2.0"),
    ("cart_coupon", "cart_abandoner_30", "heavy_returner", "30.0 + n_add_to_cart_30 * 1.5"),
    ("cross_sell", "recent_buyer", "service_trouble", "25.0 + n_view_30 * 0.5 + s_purchase_30 * 0.0625"),
    ("up_sell", "big_spender", "service_crisis", "35.0 + s_purchase_90 * 0.03125"),
    ("loyalty_upgrade", "vip", "heavy_returner", "45.0 + lifetime_spend * 0.015625"),
    ("win_back", "lapsed_buyer,dormant", "", "28.0 + lifetime_spend * 0.0078125"),
    ("replenish", "repeat_buyer", "", "22.0 + n_purchase_90 * 4.0"),
    ("apology", "service_crisis", "", "60.0 + n_support_ticket_90 * 3.0"),
    ("service_followup", "service_trouble", "", "33.0 + n_support_ticket_30 * 2.0"),
    ("fit_guide", "returner", "", "18.0 + n_return_90 * 5.0"),
    ("ask_review", "recent_buyer", "reviewer", "12.0 + n_purchase_30 * 3.0"),
    ("refer_friend", "reviewer,repeat_buyer", "", "38.0 + n_review_90 * 4.0"),
    ("newsletter_deal", "email_engaged", "", "15.0 + n_email_open_30 * 1.0"),
    ("app_install", "active_week", "omnichannel", "14.0 + n_view_7 * 0.75"),
    ("omni_reward", "omnichannel", "", "16.0 + distinct_channels * 2.5"),
    ("student_deal", "young_searcher", "", "21.0 + n_search_30 * 1.25"),
    ("gold_event", "gold_tier_active", "", "32.0 + lifetime_n * 0.25"),
    ("regional_promo", "region_push", "dormant", "17.0 + n_view_90 * 0.375"),
    ("browse_nudge", "browser", "cart_abandoner", "13.0 + n_view_30 * 1.0"),
];

/// The stream that a word of the job stands for; in a score counts become doubles.
fn word(word: &str, scored: bool) -> Option<String> {
    let count = |stream: String| if scored { format!("double({stream})") } else { stream };
    match word {
        "lifetime_spend" => return Some("events(\"purchase\").sum(\"value\")".to_owned()),
        "lifetime_n" => return Some(count("events().count()".to_owned())),
        "distinct_channels" => return Some(count("events().within(\"90d\").count_distinct(\"via\")".to_owned())),
        _ => {}
    }
    let (which, rest) = word.split_once('_')?;
    let (kind, days) = rest.rsplit_once('_')?;
    days.parse::<u32>().ok()?;
    let stream = format!("events(\"{kind}\").within(\"{days}d\")");
    match which {
        "n" => Some(count(format!("{stream}.count()"))),
        "s" => Some(format!("{stream}.sum(\"value\")")),
        _ => None,
    }
}

fn rule(text: &str, scored: bool) -> String {
    text.split(' ').map(|part| word(part, scored).unwrap_or_else(|| part.to_owned())).collect::<Vec<_>>().join(" ")
}

/// A condition or score of the job in SQL, over figures of the names that it uses.
#[must_use]
pub fn sql(text: &str) -> String {
    let words = [
        ("!events().within(\"90d\").exists()", "recency_d >= 90"),
        ("events(\"purchase\").since_last().days()", "recency_purchase_d"),
        ("events().since_last().days()", "recency_d"),
        ("customer.", ""),
        ("&&", "and"),
        ("==", "="),
    ];
    words.iter().fold(text.to_owned(), |text, (ours, theirs)| text.replace(ours, theirs))
}

/// The job as a playbook.
#[must_use]
pub fn playbook() -> String {
    let mut text = String::from(
        "playbook: features\nversion: 1\nidentity: {customer: {}}\nattributes: {tier: int, region: int, age: int, consent: int}\nevents:\n",
    );
    for kind in TYPES {
        let _ = writeln!(text, "  {kind}: {{value: double, via: string}}");
    }
    text.push_str("segments:\n");
    for (name, condition) in SEGMENTS {
        let _ = writeln!(text, "  {name}: '{}'", rule(condition, false));
    }
    text.push_str("channels: {web: text}\nplacements: {home: {channel: web}}\noffers:\n");
    for (name, needs, forbids, score) in OFFERS {
        let needs = needs.split(',').map(|segment| format!("segment(\"{segment}\")"));
        let forbids =
            forbids.split(',').filter(|segment| !segment.is_empty()).map(|segment| format!("!segment(\"{segment}\")"));
        let eligible: Vec<String> = needs.chain(forbids).collect();
        let (eligible, score) = (eligible.join(" && "), rule(score, true));
        let _ =
            writeln!(text, "  {name}: {{eligible: '{eligible}', value: '{score}', treatments: {{web: {{message: {name}}}}}}}");
    }
    text
}

/// The score of the best offer, or -1. Figures: counts by type and window, sums likewise from 24 on, then recency of anything and of purchases,
/// channels, lifetime count and spend, tier, region, age, consent.
#[must_use]
pub fn plain_best(f: &[f64; 57]) -> f64 {
    let (v, se, ca, eo, pu, su, rv, rt) = (0, 3, 6, 9, 12, 15, 18, 21);
    let s = [
        f[v] >= 1.0,
        f[v + 1] >= 2.0 && f[pu + 2] < 1.0,
        f[ca] >= 1.0 && f[pu] < 1.0,
        f[ca + 1] >= 2.0 && f[pu + 1] < 1.0,
        f[49] < 30.0,
        f[pu + 2] >= 2.0,
        f[24 + pu + 2] >= 250.0,
        f[52] >= 800.0 && f[48] < 60.0,
        f[52] >= 100.0 && f[49] >= 120.0,
        f[48] >= 90.0,
        f[rt + 2] >= 1.0,
        f[24 + rt + 2] >= 60.0 && f[pu + 2] < 2.0,
        f[su + 1] >= 1.0,
        f[su + 2] >= 2.0 && f[rt + 2] >= 1.0,
        f[rv + 2] >= 1.0,
        f[eo + 1] >= 1.0 && f[56] == 1.0,
        f[50] >= 4.0,
        f[se + 1] >= 1.0 && f[55] < 30.0,
        f[53] == 3.0 && f[48] < 30.0,
        f[54] == 5.0 && f[v + 2] >= 1.0 && f[56] == 1.0,
    ];
    let scores = [
        (s[9], 10.0 + f[51] * 0.125),
        (s[2] && !s[12], 40.0 + f[ca] * 2.0),
        (s[3] && !s[11], 30.0 + f[ca + 1] * 1.5),
        (s[4] && !s[12], 25.0 + f[v + 1] * 0.5 + f[24 + pu + 1] * 0.0625),
        (s[6] && !s[13], 35.0 + f[24 + pu + 2] * 0.03125),
        (s[7] && !s[11], 45.0 + f[52] * 0.015_625),
        (s[8] && s[9], 28.0 + f[52] * 0.007_812_5),
        (s[5], 22.0 + f[pu + 2] * 4.0),
        (s[13], 60.0 + f[su + 2] * 3.0),
        (s[12], 33.0 + f[su + 1] * 2.0),
        (s[10], 18.0 + f[rt + 2] * 5.0),
        (s[4] && !s[14], 12.0 + f[pu + 1] * 3.0),
        (s[14] && s[5], 38.0 + f[rv + 2] * 4.0),
        (s[15], 15.0 + f[eo + 1]),
        (s[0] && !s[16], 14.0 + f[v] * 0.75),
        (s[16], 16.0 + f[50] * 2.5),
        (s[17], 21.0 + f[se + 1] * 1.25),
        (s[18], 32.0 + f[51] * 0.25),
        (s[19] && !s[9], 17.0 + f[v + 2] * 0.375),
        (s[1] && !s[2], 13.0 + f[v + 1]),
    ];
    scores.iter().filter(|(fits, _)| *fits).fold(-1.0, |best, (_, score)| if *score > best { *score } else { best })
}
