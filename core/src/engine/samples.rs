//! Warnings about experiments that are too small for what they are to show.

use crate::error::{Diagnostic, Severity};
use crate::measure::power;
use crate::playbook::{Detects, Experiment, Playbook, WHOLE};

/// How often a change is to be found that is there.
const WANTED: f64 = 0.8;

/// Experiments that would miss the change that they are to detect in more than one of five cases.
pub(super) fn small(playbook: &Playbook) -> Vec<Diagnostic> {
    playbook.experiments.iter().filter_map(doubt).collect()
}

fn doubt(experiment: &Experiment) -> Option<Diagnostic> {
    let detects = experiment.detects.as_ref()?;
    let shares = compared(experiment)?;
    let found = found(experiment, detects, shares);
    if found >= WANTED {
        return None;
    }
    let percent = |share: u32| format!("{}%", f64::from(share) / 100.0);
    let [small, other] = shares.map(|share| customers(experiment, detects, share));
    let (rate, change) = (percent(detects.rate), percent(detects.change));
    let what = if experiment.holdout > 0 { "holdout" } else { "smallest variant" };
    let message = format!(
        "the {what} of experiment `{}` is too small: {small:.0} customers beside {other:.0} show a change of {change} from {rate} in {:.0} \
         of 100 cases, 80 are wanted",
        experiment.name.text,
        (found * 100.0).floor()
    );
    let hint = match enough(experiment, detects) {
        Some(share) if experiment.holdout > 0 => format!("hold out {} or more", percent(share)),
        _ => match needed(experiment, detects, shares) {
            Some(count) => format!("let {count} customers take part, or look for a larger change"),
            None => "look for a larger change".to_owned(),
        },
    };
    Some(Diagnostic {
        code: "small_holdout",
        severity: Severity::Warning,
        message,
        path: format!("experiments.{}", experiment.name.text),
        place: Some(detects.place.clone()),
        hint: Some(hint),
        related: None,
    })
}

/// The shares that are compared: those held out with all others, or the two smallest variants.
fn compared(experiment: &Experiment) -> Option<[u32; 2]> {
    if experiment.holdout > 0 {
        return Some([experiment.holdout, WHOLE.saturating_sub(experiment.holdout)]);
    }
    let mut shares: Vec<u32> = experiment.variants.iter().map(|(_, share)| *share).collect();
    shares.sort_unstable();
    Some([*shares.first()?, *shares.get(1)?])
}

/// How many customers a share is.
fn customers(experiment: &Experiment, detects: &Detects, share: u32) -> f64 {
    let part = |share: u32| f64::from(share) / f64::from(WHOLE);
    (detects.customers as f64 * part(experiment.share) * part(share)).floor()
}

fn found(experiment: &Experiment, detects: &Detects, [small, other]: [u32; 2]) -> f64 {
    let [first, second] = [small, other].map(|share| customers(experiment, detects, share));
    let rate = f64::from(detects.rate) / f64::from(WHOLE);
    // Upwards, unless there is no room.
    let change = f64::from(detects.change) / f64::from(WHOLE);
    let changed = if rate + change <= 1.0 { rate + change } else { rate - change };
    power((first, rate), (second, changed), 0.95)
}

/// The smallest holdout that is enough, if any is.
fn enough(experiment: &Experiment, detects: &Detects) -> Option<u32> {
    (1..=WHOLE / 2).find(|share| found(experiment, detects, [*share, WHOLE - share]) >= WANTED)
}

/// How many customers would be enough with these shares: the smallest power of ten times 1, 2 or 5.
fn needed(experiment: &Experiment, detects: &Detects, shares: [u32; 2]) -> Option<u64> {
    let sizes = (2..=12).flat_map(|digits| [1, 2, 5].map(|first| first * 10_u64.pow(digits)));
    sizes.into_iter().find(|count| found(experiment, &Detects { customers: *count, ..detects.clone() }, shares) >= WANTED)
}
