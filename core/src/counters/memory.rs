use super::account::Account;
use super::{Claim, CounterError, Counters, Hold};
use crate::value::{Span, Timestamp};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counters in memory, safe to use from many threads. Each step takes one lock.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use tactful::counters::{Claim, Counters, Hold, MemoryCounters};
/// use tactful::Timestamp;
/// use tactful::value::Span;
/// let counters = MemoryCounters::default();
/// let now = Timestamp::parse("2026-03-01T10:00:00Z")?;
/// let expires = Timestamp::parse("2026-03-01T10:15:00Z")?;
/// let last_one = |id: &str| Hold {
///     id: id.to_owned(),
///     claims: vec![Claim { key: Arc::from("ticket"), amount: 1, limits: vec![(Span::lifetime(now), 1)] }],
/// };
/// counters.reserve(&[last_one("a")], now, expires)?;
/// assert_eq!(counters.reserve(&[last_one("b")], now, expires).map_err(|error| error.code()), Err("used_up"));
/// counters.release("a", now)?;
/// counters.reserve(&[last_one("b")], now, expires)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct MemoryCounters(Mutex<Ledger>);

/// All counters.
#[derive(Debug, Clone, Default)]
struct Ledger {
    accounts: BTreeMap<Arc<str>, Account>,
    /// Reservations, by slot.
    held: BTreeMap<String, Held>,
}

/// A reservation, or the end of one that was not told of yet.
#[derive(Debug, Clone, Default)]
struct Held {
    /// When it began and when it expires.
    told: Option<(Timestamp, Timestamp)>,
    claims: Vec<(Arc<str>, i64)>,
    ended: Option<(Timestamp, Ending)>,
}

/// How a reservation ended before its time. Of two at one instant the first here counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    Confirmed,
    Released,
    Expired,
}

/// How a slot stands at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Never reserved, or not yet.
    Nothing,
    /// Reserved until then.
    Open(Timestamp),
    Confirmed,
    Released,
    Expired,
}

impl Held {
    /// From when on it is not open any more.
    fn until(&self) -> Timestamp {
        let end = self.ended.map_or(Timestamp::MAX, |(time, _)| time);
        self.told.map_or(Timestamp::MIN, |(_, expires)| expires.min(end))
    }

    fn at(&self, now: Timestamp) -> Standing {
        match (self.told, self.ended) {
            (_, Some((time, ending))) if time <= now && self.told.is_none_or(|(_, expires)| time < expires) => match ending {
                Ending::Confirmed => Standing::Confirmed,
                Ending::Released => Standing::Released,
                Ending::Expired => Standing::Expired,
            },
            (Some((from, expires)), _) if from <= now => {
                if now < expires {
                    Standing::Open(expires)
                } else {
                    Standing::Expired
                }
            }
            _ => Standing::Nothing,
        }
    }
}

impl Ledger {
    /// What is taken in a span, with what is reserved at its end; with what lies ahead of that when `ahead` is later.
    fn taken(&self, key: &str, span: Span, ahead: Timestamp) -> i64 {
        let Some(account) = self.accounts.get(key) else { return 0 };
        let open = account.open(span.until).filter_map(|id| {
            let held = self.held.get(id)?;
            let begun = held.told.is_some_and(|(from, _)| from <= ahead);
            let used = account.used(id).is_some_and(|used| used <= ahead);
            held.claims.iter().filter(|_| begun && !used).find(|(own, _)| **own == *key).map(|(_, amount)| *amount)
        });
        open.fold(account.taken(Span { until: ahead, ..span }), i64::saturating_add)
    }

    /// Changes a reservation, and where it is found by its end.
    fn change(&mut self, id: &str, change: impl FnOnce(&mut Held)) {
        let held = self.held.entry(id.to_owned()).or_default();
        let before = held.told.map(|_| held.until());
        change(held);
        let after = held.told.map(|_| held.until());
        for (key, _) in &held.claims {
            let account = self.accounts.entry(key.clone()).or_default();
            if let Some(until) = before {
                account.drop_hold(id, until);
            }
            if let Some(until) = after {
                account.hold(id, until);
            }
        }
    }

    fn hold(&mut self, hold: &Hold, from: Timestamp, expires: Timestamp) {
        let mut claims: Vec<(Arc<str>, i64)> = Vec::with_capacity(hold.claims.len());
        for Claim { key, amount, .. } in &hold.claims {
            claims.push((key.clone(), *amount));
        }
        self.change(&hold.id, |held| {
            // The first time counts.
            if held.told.is_none_or(|told| (from, expires) < told) {
                held.told = Some((from, expires));
            }
            if held.claims.is_empty() {
                held.claims = claims;
            }
        });
    }

    fn end(&mut self, id: &str, time: Timestamp, ending: Ending) {
        self.change(id, |held| {
            if held.ended.is_none_or(|ended| (time, ending) < ended) {
                held.ended = Some((time, ending));
            }
        });
    }

    fn take(&mut self, id: &str, claims: &[(Arc<str>, i64)], time: Timestamp) {
        for (key, amount) in claims {
            self.accounts.entry(key.clone()).or_default().take(id, time, *amount);
        }
    }

    fn standing(&self, id: &str, now: Timestamp) -> Standing {
        self.held.get(id).map_or(Standing::Nothing, |held| held.at(now))
    }

    /// Ends a reservation that has to be open.
    fn close(&mut self, id: &str, now: Timestamp, ending: Ending) -> Result<(), CounterError> {
        open(self.standing(id, now), id)?;
        if ending == Ending::Confirmed {
            let claims = self.held.get(id).map(|held| held.claims.clone()).unwrap_or_default();
            self.take(id, &claims, now);
        }
        self.end(id, now, ending);
        Ok(())
    }
}

/// Whether a slot is reserved; otherwise why not.
fn open(standing: Standing, id: &str) -> Result<(), CounterError> {
    match standing {
        Standing::Open(_) => Ok(()),
        Standing::Nothing => Err(CounterError::not_reserved(id)),
        Standing::Confirmed => Err(CounterError::already_confirmed(id)),
        Standing::Released => Err(CounterError::already_released(id)),
        Standing::Expired => Err(CounterError::expired(id)),
    }
}

impl MemoryCounters {
    /// What a thread that panicked left behind is whole: each step changes the counters only after it was checked.
    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts what was taken without a reservation, such as an outcome told by another system. `id` names who took it, and counts once.
    pub fn take(&self, id: &str, claims: &[Claim], time: Timestamp) {
        let claims: Vec<_> = claims.iter().map(|claim| (claim.key.clone(), claim.amount)).collect();
        self.lock().take(id, &claims, time);
    }

    /// A reservation that was made, however full the counters are.
    pub(crate) fn told_reserved(&self, hold: &Hold, from: Timestamp, expires: Timestamp) {
        self.lock().hold(hold, from, expires);
    }

    /// A reservation that was confirmed.
    pub(crate) fn told_confirmed(&self, hold: &Hold, time: Timestamp) {
        self.take(&hold.id, &hold.claims, time);
        self.lock().end(&hold.id, time, Ending::Confirmed);
    }

    /// A reservation that was given back or expired.
    pub(crate) fn told_over(&self, id: &str, time: Timestamp, expired: bool) {
        self.lock().end(id, time, if expired { Ending::Expired } else { Ending::Released });
    }

    /// What somebody took who is not known any more.
    pub(crate) fn carry(&self, key: &Arc<str>, time: Timestamp, amount: i64) {
        self.lock().take(&format!("carried:{}", time.micros()), &[(key.clone(), amount)], time);
    }

    /// What was taken for good of each counter, and when.
    pub(crate) fn taken_when(&self) -> Vec<(Arc<str>, Timestamp, i64)> {
        let ledger = self.lock();
        let accounts = ledger.accounts.iter();
        accounts.flat_map(|(key, account)| account.uses().map(|(time, amount)| (key.clone(), time, amount))).collect()
    }

    /// How a slot stands at an instant.
    pub(crate) fn standing(&self, id: &str, now: Timestamp) -> Standing {
        self.lock().standing(id, now)
    }
}

impl Counters for MemoryCounters {
    fn taken(&self, key: &str, span: Span) -> i64 {
        self.lock().taken(key, span, span.until)
    }

    fn reserve(&self, holds: &[Hold], now: Timestamp, expires: Timestamp) -> Result<(), CounterError> {
        let mut ledger = self.lock();
        let mut wanted: BTreeMap<&str, i64> = BTreeMap::new();
        let mut new = Vec::with_capacity(holds.len());
        for hold in holds {
            match ledger.standing(&hold.id, now) {
                Standing::Nothing => {}
                Standing::Open(_) => continue,
                over => open(over, &hold.id)?,
            }
            for claim in &hold.claims {
                let wanted = wanted.entry(&claim.key).or_default();
                *wanted = wanted.saturating_add(claim.amount);
                for (span, limit) in &claim.limits {
                    if ledger.taken(&claim.key, *span, Timestamp::MAX).saturating_add(*wanted) > *limit {
                        return Err(CounterError::used_up(&claim.key));
                    }
                }
            }
            new.push(hold);
        }
        new.into_iter().for_each(|hold| ledger.hold(hold, now, expires));
        Ok(())
    }

    fn confirm(&self, id: &str, now: Timestamp) -> Result<(), CounterError> {
        self.lock().close(id, now, Ending::Confirmed)
    }

    fn release(&self, id: &str, now: Timestamp) -> Result<(), CounterError> {
        self.lock().close(id, now, Ending::Released)
    }
}

/// Counters as who reserves sees them: what others took at later instants counts as well.
#[derive(Debug)]
pub(crate) struct Ahead<'a>(pub(crate) &'a MemoryCounters);

impl Counters for Ahead<'_> {
    fn taken(&self, key: &str, span: Span) -> i64 {
        self.0.lock().taken(key, span, Timestamp::MAX)
    }

    fn reserve(&self, holds: &[Hold], now: Timestamp, expires: Timestamp) -> Result<(), CounterError> {
        self.0.reserve(holds, now, expires)
    }

    fn confirm(&self, id: &str, now: Timestamp) -> Result<(), CounterError> {
        self.0.confirm(id, now)
    }

    fn release(&self, id: &str, now: Timestamp) -> Result<(), CounterError> {
        self.0.release(id, now)
    }
}

impl Clone for MemoryCounters {
    fn clone(&self) -> Self {
        MemoryCounters(Mutex::new(self.lock().clone()))
    }
}

/// How many there are, not who took what.
impl fmt::Debug for MemoryCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ledger = self.lock();
        f.debug_struct("MemoryCounters").field("counters", &ledger.accounts.len()).field("held", &ledger.held.len()).finish()
    }
}
