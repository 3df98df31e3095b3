//! What is limited for all customers together, how long decisions hold, and what follows from their outcomes.

use super::contact::ALL_CUSTOMERS;
use super::model::{Name, Text};
use super::read::{At, Loader, Names};
use super::relations::Relation;
use super::source::cut;
use crate::value::{BlockUnit, Blocks, Currency, Decimal, Duration, Unit, Window};
use std::rc::Rc;
use std::sync::Arc;

/// Digits after the point of amounts of money in a playbook.
pub(crate) const MONEY_SCALE: u8 = 6;

/// How many there are of an offer, all customers together.
#[derive(Debug, Clone, PartialEq)]
pub struct Stock {
    /// `at_most`.
    pub at_most: u64,
    /// `per`: in all when not declared.
    pub per: Window,
    /// `count`: the outcome that takes one.
    pub count: Name,
}

/// Money that offers may cost, all customers together, each, or those who belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// Its name.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `amount`, with its `currency`.
    pub amount: Decimal,
    /// `per`: in all when not declared.
    pub per: Window,
    /// `count`: the outcome that spends.
    pub count: Name,
    /// `subject`: `customer`, or the relation whose members spend together; `None` for all customers.
    pub subject: Option<Name>,
    /// `offers`: whose cost it bears; empty for all.
    pub offers: Vec<Name>,
}

/// How long decisions and reservations hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decisions {
    /// `expire_after`: for ever when not declared.
    pub expire_after: Option<Duration>,
    /// `reserve_for`: 15 minutes when not declared.
    pub reserve_for: Duration,
}

/// What follows from the outcomes of decisions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcomes {
    /// `ignored_after`.
    pub ignored_after: Option<Duration>,
    /// `close_channel`: outcomes after which a channel is closed.
    pub close_channel: Vec<Name>,
}

/// What follows when an offer is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Commitment {
    /// `fulfil_within`: overdue from then on.
    pub fulfil_within: Option<Duration>,
    /// `expires_after`: when it ends if it is not fulfilled.
    pub expires_after: Option<Duration>,
}

impl Loader<'_> {
    pub(super) fn inventory(&mut self, offer: &At<'_>) -> Vec<Stock> {
        let Some(section) = offer.get("inventory") else { return Vec::new() };
        if let Some(at_most) = offer.number("inventory") {
            return vec![Stock { at_most, per: Window::Lifetime, count: self.accepted(&section) }];
        }
        let items = section.one_or_more();
        items.iter().filter_map(|at| self.stock(at)).collect()
    }

    fn stock(&mut self, at: &At<'_>) -> Option<Stock> {
        let (per, count) = self.per_and_count(at);
        Some(Stock { at_most: at.number("at_most")?, per, count })
    }

    /// The outcome that counts when none is declared.
    fn accepted(&self, at: &At<'_>) -> Name {
        Name { text: Arc::from("accepted"), place: self.findings.place(at.node.spot) }
    }

    fn per_and_count(&mut self, at: &At<'_>) -> (Window, Name) {
        let per = at.get("per").and_then(|at| self.window(&at, chrono::Weekday::Mon)).unwrap_or(Window::Lifetime);
        let own = at.get("subject").and_then(|at| at.node.text().cloned()).is_some_and(|subject| *subject == *"customer");
        if let (Window::Session, Some(place), false) = (per, at.get("per"), own) {
            let message = "a session is of one customer, so nothing is counted in it for others";
            self.error("contradiction", &place, message.to_owned(), None);
        }
        let count = at.get("count").and_then(|at| self.outcome(&at)).unwrap_or_else(|| self.accepted(at));
        (per, count)
    }

    /// An amount as it is written, exactly.
    pub(super) fn money(&mut self, parent: &At<'_>, key: &str, currency: Option<Currency>) -> Option<Decimal> {
        let at = parent.get(key)?;
        let text = at.node.number()?;
        match Decimal::parse(text, MONEY_SCALE, currency) {
            Ok(amount) => Some(amount),
            Err(_) => {
                let message =
                    format!("expected an amount with at most {MONEY_SCALE} digits after the point, found `{}`", cut(text));
                self.error("out_of_range", &at, message, None);
                None
            }
        }
    }

    pub(super) fn terms(&mut self, offer: &At<'_>) -> Vec<(Name, Text)> {
        let Some(section) = offer.get("terms") else { return Vec::new() };
        let named = self.identifiers(&section, "a term");
        named.into_iter().filter_map(|(name, at)| Some((name, self.rule(&at)?))).collect()
    }

    pub(super) fn commitment(&mut self, offer: &At<'_>) -> Option<Commitment> {
        let at = offer.get("commitment")?;
        let (fulfil_within, expires_after) = (self.duration_of(&at, "fulfil_within"), self.duration_of(&at, "expires_after"));
        if let (Some(fulfil), Some(expires), Some(place)) = (fulfil_within, expires_after, at.get("expires_after"))
            && expires < fulfil
        {
            self.error("contradiction", &place, "it expires before it is due".to_owned(), None);
        }
        Some(Commitment { fulfil_within, expires_after })
    }

    pub(super) fn budgets(&mut self, root: &At<'_>, relations: &[Relation]) -> Vec<Budget> {
        let Some(section) = root.get("budgets") else { return Vec::new() };
        let offers = root.get("offers");
        let known: Rc<Names> = Rc::new(offers.iter().flat_map(At::children).map(|offer| offer.key).collect());
        let mut budgets = Vec::new();
        for (name, at) in self.named(&section, "a budget") {
            let (per, count) = self.per_and_count(&at);
            let offers = self.references(&at, "offers", "offer", &known);
            let subject = self.whose(&at, relations);
            let currency = at.get("currency").and_then(|at| {
                let code = at.node.text()?.clone();
                let currency = Currency::parse(&code);
                if currency.is_none() {
                    let message = format!("expected three capital letters such as `EUR`, found `{}`", cut(&code));
                    self.error("bad_type", &at, message, None);
                }
                currency
            });
            let Some(amount) = currency.and_then(|currency| self.money(&at, "amount", Some(currency))) else { continue };
            budgets.push(Budget { title: at.text("title"), name, amount, per, count, subject, offers });
        }
        budgets
    }

    /// Who spends together; `None` for all customers.
    fn whose(&mut self, at: &At<'_>, relations: &[Relation]) -> Option<Name> {
        let at = at.get("subject").filter(|at| at.node.text().is_none_or(|text| **text != *ALL_CUSTOMERS))?;
        if at.node.text().is_some_and(|text| **text == *"customer") {
            return self.outcome(&at);
        }
        let known: Names = relations.iter().filter(|one| one.group.is_some()).map(|one| one.name.text.clone()).collect();
        self.reference(&at, "relation with a group", &known)
    }

    pub(super) fn decisions(&mut self, root: &At<'_>) -> Decisions {
        let at = root.get("decisions");
        let mut length = |key: &str| at.as_ref().and_then(|at| self.duration_of(at, key));
        Decisions {
            expire_after: length("expire_after"),
            reserve_for: length("reserve_for").unwrap_or(Duration::from_nanos(900_000_000_000)),
        }
    }

    pub(super) fn outcomes(&mut self, root: &At<'_>) -> Outcomes {
        let Some(at) = root.get("outcomes") else { return Outcomes::default() };
        let closing = at.get("close_channel");
        let close_channel = closing.iter().flat_map(At::items).filter_map(|at| self.outcome(&at)).collect();
        Outcomes { ignored_after: self.duration_of(&at, "ignored_after"), close_channel }
    }

    pub(super) fn held(&mut self, root: &At<'_>) -> Vec<Name> {
        let Some(at) = root.get("commitments") else { return Vec::new() };
        let known = self.declared.purposes.clone();
        self.references(&at, "hold", "purpose", &known)
    }
}

/// Windows of all customers together begin weeks where the playbook does.
pub(super) fn begin_weeks(offers: &mut [super::model::Offer], budgets: &mut [Budget], day: chrono::Weekday) {
    let stocks = offers.iter_mut().flat_map(|offer| offer.inventory.iter_mut().map(|stock| &mut stock.per));
    for per in stocks.chain(budgets.iter_mut().map(|budget| &mut budget.per)) {
        match per {
            Window::Calendar(Unit::Week { first_day }) => *first_day = day,
            Window::Blocks(Blocks { of: BlockUnit::Of(Unit::Week { first_day }), .. }) => *first_day = day,
            _ => {}
        }
    }
}
