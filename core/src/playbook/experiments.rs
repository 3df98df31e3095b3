//! Experiments: who gets which variant, and who is held out.

use super::model::Name;
use super::read::{At, Loader, Names};
use super::source::cut;
use crate::error::Place;
use crate::value::Timestamp;
use std::rc::Rc;
use std::sync::Arc;

/// All customers, in parts of the unit of shares.
pub const WHOLE: u32 = 10_000;

/// What a customer of whom nothing is chosen for the sake of comparison is said to be in.
pub const HOLDOUT: &str = "holdout";

/// What everybody else is in when an experiment declares a holdout only.
pub const TREATED: &str = "treated";

/// An experiment: a part of the customers, split by a hash of an identifier.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// Its name; expressions read `experiment("<name>")`, the variant.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `by`: the namespace of the identifier that is hashed; by default the oldest identifier of the customer.
    pub by: Option<Name>,
    /// `salt`: what is hashed with the identifier; the name of the experiment unless declared.
    pub salt: Arc<str>,
    /// `share`: how many of 10,000 customers take part.
    pub share: u32,
    /// `group`: customers take part in at most one experiment of a group.
    pub group: Option<Arc<str>>,
    /// `holdout`: how many of 10,000 that take part are shown none of its offers.
    pub holdout: u32,
    /// `variants`: name and how many of 10,000 that take part.
    pub variants: Vec<(Name, u32)>,
    /// `offers`: what those held out go without; empty for everything.
    pub offers: Vec<Name>,
    /// `except_tags`: offers with one of these tags, of their own or of their group, are not held back.
    pub except_tags: Vec<Name>,
    /// `from`: the first instant.
    pub from: Option<Timestamp>,
    /// `until`: the first instant after it.
    pub until: Option<Timestamp>,
    /// `detects`: what it is to show.
    pub detects: Option<Detects>,
}

/// What an experiment is to show, so that it can be told whether it is large enough.
#[derive(Debug, Clone, PartialEq)]
pub struct Detects {
    /// Where it is declared.
    pub place: Place,
    /// `customers`: how many are expected while it runs, before `share`.
    pub customers: u64,
    /// `rate`: how many of 10,000 do what counts when nothing is changed.
    pub rate: u32,
    /// `change`: by how many of 10,000 that differs.
    pub change: u32,
}

impl Experiment {
    /// The variants in their order, those held out first. Without variants the rest is [`TREATED`].
    pub fn arms(&self) -> impl Iterator<Item = (Arc<str>, u32)> {
        let holdout = (self.holdout > 0).then(|| (Arc::from(HOLDOUT), self.holdout));
        let treated = self.variants.is_empty().then(|| (Arc::from(TREATED), WHOLE.saturating_sub(self.holdout)));
        let variants = self.variants.iter().map(|(name, share)| (name.text.clone(), *share));
        holdout.into_iter().chain(treated).chain(variants)
    }
}

impl super::Playbook {
    /// Whether rules may read which variant the hash alone gives, `drawn("<name>")`: a customer has one identifier at most of the
    /// namespace that is hashed.
    pub(crate) fn draws(&self, experiment: &Experiment) -> bool {
        let by = experiment.by.as_ref().map(|by| &by.text);
        self.namespaces.iter().any(|namespace| namespace.unique && Some(&namespace.name.text) == by)
    }
}

impl Loader<'_> {
    pub(super) fn experiments(&mut self, root: &At<'_>) -> Vec<Experiment> {
        let Some(section) = root.get("experiments") else { return Vec::new() };
        let names = |key: &str| {
            let entries = root.node.entry(key).map_or(&[][..], |entry| entry.value.entries());
            Rc::new(entries.iter().map(|entry| entry.key.clone()).collect::<Names>())
        };
        let (namespaces, offers) = (names("identity"), names("offers"));
        let tagged = ["offers", "groups"].into_iter().filter_map(|key| root.get(key));
        let tagged: Vec<At<'_>> = tagged.flat_map(|section| section.children().collect::<Vec<_>>()).collect();
        let tags = tagged.iter().filter_map(|at| at.get("tags"));
        let tags: Names =
            tags.flat_map(|at| at.one_or_more().iter().filter_map(|at| at.node.text().cloned()).collect::<Vec<_>>()).collect();
        let known = [namespaces, offers, Rc::new(tags)];
        let named = self.named(&section, "an experiment");
        let list: Vec<Experiment> = named.into_iter().map(|(name, at)| self.experiment(name, &at, &known)).collect();
        let mut shares: std::collections::BTreeMap<Arc<str>, u32> = std::collections::BTreeMap::new();
        for (experiment, at) in list.iter().zip(section.children()) {
            let Some(group) = &experiment.group else { continue };
            let total = shares.entry(group.clone()).or_default();
            *total += experiment.share;
            if *total > WHOLE {
                let message =
                    format!("the experiments of group `{}` have {} together, more than 100%", cut(group), percent(*total));
                let hint = "declare a `share` for each: nobody takes part in two experiments of a group".to_owned();
                self.error_at_key("bad_share", &at, message, Some(hint));
            }
        }
        list
    }

    /// `known` are namespaces, offers and tags.
    fn experiment(&mut self, name: Name, at: &At<'_>, known: &[Rc<Names>; 3]) -> Experiment {
        let [namespaces, offers, tags] = known;
        let by = at.get("by").and_then(|at| self.reference(&at, "namespace", namespaces));
        let holdout = at.get("holdout").and_then(|at| self.percentage(&at)).unwrap_or(0);
        let mut variants = Vec::new();
        if let Some(section) = at.get("variants") {
            for (variant, at) in self.named(&section, "a variant") {
                if &*variant.text == HOLDOUT {
                    let hint = "those held out are declared by the key `holdout`".to_owned();
                    self.error_at_key("reserved_name", &at, format!("`{HOLDOUT}` cannot be the name of a variant"), Some(hint));
                    continue;
                }
                if let Some(share) = self.percentage(&at) {
                    variants.push((variant, share));
                }
            }
            let total: u32 = holdout + variants.iter().map(|(_, share)| share).sum::<u32>();
            let whole = variants.len() == section.node.entries().len();
            if whole && total != WHOLE {
                let message = format!("the variants and the holdout have {} together, not 100%", percent(total));
                self.error_at_key("bad_share", &section, message, None);
            }
        } else if holdout == 0 && at.get("holdout").is_none() {
            let message = format!("experiment `{}` has neither `variants` nor a `holdout`", name.text);
            self.error_at_key("missing_key", at, message, None);
        }
        let (from, until) = (self.instant_of(at, "from"), self.instant_of(at, "until"));
        if let (Some(from), Some(until), Some(place)) = (from, until, at.get("until"))
            && until <= from
        {
            self.error("bad_validity", &place, format!("experiment `{}` ends before it begins", name.text), None);
        }
        if let (true, Some(place)) = (holdout == 0, at.get("offers").or_else(|| at.get("except_tags"))) {
            let message = "without a `holdout` nobody goes without an offer".to_owned();
            self.error("no_effect", &place, message, None);
        }
        let detects = at.get("detects").and_then(|at| self.detects(&at));
        Experiment {
            detects,
            title: at.text("title"),
            by,
            salt: at.text("salt").unwrap_or_else(|| name.text.clone()),
            share: at.get("share").and_then(|at| self.percentage(&at)).unwrap_or(WHOLE),
            group: at.text("group"),
            holdout,
            variants,
            offers: self.references(at, "offers", "offer", offers),
            except_tags: self.references(at, "except_tags", "tag", tags),
            from,
            until,
            name,
        }
    }

    fn detects(&mut self, at: &At<'_>) -> Option<Detects> {
        let mut share = |key: &str| at.get(key).and_then(|at| self.percentage(&at));
        let (rate, change) = (share("rate")?, share("change")?);
        let customers = at.number::<u64>("customers")?;
        if change == 0 || rate + change > WHOLE && change > rate {
            let message = "a change is above 0%, and leaves a share between 0% and 100%".to_owned();
            self.error("bad_share", &at.get("change")?, message, None);
            return None;
        }
        Some(Detects { place: self.findings.place(at.spot), customers, rate, change })
    }

    /// A share such as `5%`, in ten-thousandths.
    pub(super) fn percentage(&mut self, at: &At<'_>) -> Option<u32> {
        let text = at.node.text()?.clone();
        let number = text.strip_suffix('%').map(str::trim).unwrap_or("");
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let fits = !whole.is_empty() && whole.len() <= 3 && part.len() <= 2 && digits(whole) && digits(part);
        let share = fits.then(|| format!("{whole}{part:0<2}").parse::<u32>().ok()).flatten();
        match share.filter(|share| *share <= WHOLE) {
            Some(share) => Some(share),
            None => {
                let message = format!("expected a share from 0% to 100% with at most two decimals, found `{}`", cut(&text));
                self.error("bad_share", at, message, None);
                None
            }
        }
    }
}

/// A share of ten-thousandths as a percentage.
fn percent(share: u32) -> String {
    match (share / 100, share % 100) {
        (whole, 0) => format!("{whole}%"),
        (whole, part) if part % 10 == 0 => format!("{whole}.{}%", part / 10),
        (whole, part) => format!("{whole}.{part:02}%"),
    }
}
