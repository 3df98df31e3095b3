use super::CustomerBase;
use super::links::Changed;
use super::tombstones::{Tombstones, last};
use crate::customer::{Customer, EventError, Identifier, Strand, consent_column};
use crate::engine::{Effects, Engine};
use crate::trends::Trends;
use crate::value::{Span, Timestamp};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A customer who was erased.
#[derive(Clone)]
#[non_exhaustive]
pub struct Erasure {
    /// What may be kept about it.
    pub receipt: ErasureReceipt,
    /// Whom it was about, so that other places can forget them too; not to be kept.
    pub identifiers: Vec<Identifier>,
    /// What changed for others: links between them that are judged otherwise now.
    pub effects: Effects,
}

/// What was erased, without saying of whom: hashes stand for identifiers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ErasureReceipt {
    /// What was erased: `person` with all identifiers, or one `identifier`.
    pub scope: &'static str,
    /// The instant of the erasure.
    pub at: Timestamp,
    /// Up to when nothing is taken in again: `at`, or the last instant of what was erased when that is later.
    pub until: Timestamp,
    /// The digest of the playbook.
    pub playbook: Arc<str>,
    /// HMAC-SHA-256 of each identifier under the key, sorted: 64 hexadecimal digits.
    pub identifiers: Vec<String>,
    /// How many events there were, by their type.
    pub events: BTreeMap<Arc<str>, u64>,
    /// How many more were folded into totals, by their type.
    pub folded: BTreeMap<Arc<str>, u64>,
    /// How many statements about links there were.
    pub links: u64,
    /// How many `linked`, `unlinked`, `related` and `unrelated` of other customers, and consents given for them, named an identifier
    /// of this one, and were erased as well.
    pub elsewhere: u64,
    /// HMAC-SHA-256 under the key of this receipt as JSON with an empty text here: 64 hexadecimal digits.
    pub digest: String,
}

impl ErasureReceipt {
    /// Of some identifiers, before anything was counted.
    fn new(
        scope: &'static str,
        at: Timestamp,
        engine: &Engine,
        members: &[Identifier],
        tombstones: &Tombstones,
    ) -> Result<Self, EventError> {
        let hashes: Result<Vec<String>, _> = members.iter().map(|member| tombstones.hash(member.as_str())).collect();
        let mut identifiers = hashes?;
        identifiers.sort();
        Ok(ErasureReceipt {
            scope,
            at,
            until: at,
            playbook: engine.digest().clone(),
            identifiers,
            events: BTreeMap::new(),
            folded: BTreeMap::new(),
            links: 0,
            elsewhere: 0,
            digest: String::new(),
        })
    }

    /// As JSON, keys in the order of the fields.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    fn count(&mut self, strand: &Strand) {
        for (name, count) in strand.counts() {
            *self.events.entry(name.clone()).or_default() += count as u64;
        }
        for aside in strand.aside() {
            *self.events.entry(Arc::from(aside.event().event_type.as_str())).or_default() += 1;
            self.until = self.until.max(aside.event().time).max(aside.event().known_at.unwrap_or(Timestamp::MIN));
        }
        for told in strand.rectified() {
            *self.events.entry(Arc::from(told.event_type.as_str())).or_default() += 1;
            self.until = self.until.max(told.time).max(told.known_at.unwrap_or(Timestamp::MIN));
        }
        for (name, totals) in strand.folded().iter().flat_map(|fold| fold.totals()) {
            *self.folded.entry(Arc::from(name)).or_default() += totals.count;
            self.until = self.until.max(totals.last).max(totals.known);
        }
        if !strand.is_empty() {
            self.until = self.until.max(strand.known());
        }
    }
}

impl Erasure {
    /// Takes back what the customer contributed to trends, under any of their identifiers; says whether there was anything.
    pub fn forget_in(&self, trends: &mut Trends) -> bool {
        self.identifiers.iter().filter(|identifier| trends.forget(identifier.as_str())).count() > 0
    }
}

/// How much, not whom.
impl fmt::Debug for Erasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Erasure").field("receipt", &self.receipt).finish_non_exhaustive()
    }
}

impl Engine {
    /// Erases a customer who is kept outside of a base: sets a tombstone for each of their identifiers, and drops them. The host
    /// asks [`Tombstones::check`] before it records an event, and drops what else it keeps of them, such as their bytes.
    ///
    /// # Errors
    /// [`EventError`] with code `other_playbook`; the customer is dropped nevertheless.
    ///
    /// # Examples
    /// ```
    /// # use tactful::base::Tombstones;
    /// # use tactful::{Engine, Event, Identifier, Timestamp};
    /// let shop = "playbook: shop\nversion: 1\nidentity: {customer: {}}\nevents: {visit: {}}\n";
    /// let engine = Engine::compile(&[("shop.yaml", shop)])?;
    /// let ada = Identifier::parse("customer:ada")?;
    /// let visit = Event::new("visit", Timestamp::parse("2026-03-01T10:00:00Z")?, ada.clone());
    /// let mut customer = engine.customer(&ada)?;
    /// engine.record(&mut customer, &visit, None)?;
    /// let mut tombstones = Tombstones::new(b"a secret that only we keep")?;
    /// let erasure = engine.erase(customer, Timestamp::parse("2026-04-01T00:00:00Z")?, &mut tombstones)?;
    /// assert_eq!(erasure.receipt.events["visit"], 1);
    /// assert_eq!(tombstones.check(&engine, &visit).map_err(|error| error.code()), Err("erased"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn erase(&self, customer: Customer, at: Timestamp, tombstones: &mut Tombstones) -> Result<Erasure, EventError> {
        if customer.strands().iter().any(|strand| strand.layout().digest() != self.digest()) {
            return Err(EventError::new("other_playbook", "", crate::engine::OTHER_PLAYBOOK));
        }
        let members: Vec<Identifier> = customer.strands().iter().map(|strand| strand.identifier().clone()).collect();
        let mut receipt = ErasureReceipt::new("person", at, self, &members, tombstones)?;
        customer.strands().iter().for_each(|strand| receipt.count(strand));
        for member in &members {
            tombstones.set(member, receipt.until)?;
        }
        receipt.digest = tombstones.hash(&receipt.to_json())?;
        Ok(Erasure { receipt, identifiers: members, effects: Effects { arrival: None, effects: Vec::new() } })
    }
}

impl CustomerBase {
    /// Erases the customer whom an identifier points to: their story under all identifiers that are theirs now, what is left of
    /// folded events, all links with them, and the `linked` and `unlinked` of others that name them. Afterwards the base is as if
    /// none of it had ever been told, except for a tombstone per identifier. That refuses events up to the erasure, or known by
    /// then, with the code `erased`; later events begin a new customer. Somebody unknown gets a tombstone too.
    ///
    /// The tombstone is a hash of the identifier under `key`, at least 16 bytes that the host keeps and the base never writes. All
    /// tombstones of a base have one key; a base out of bytes is given it by [`unlock`](Self::unlock).
    ///
    /// Trends, and copies outside of the base, are the host's to forget: see [`Erasure::forget_in`].
    ///
    /// # Errors
    /// [`EventError`] with code `erasure_key` for a key that is too short or another one than before, or for the identifier.
    /// Nothing is changed then.
    ///
    /// # Examples
    /// ```
    /// # use tactful::{CustomerBase, Engine, Event, Identifier, Timestamp};
    /// let shop = "playbook: shop\nversion: 1\nidentity: {customer: {}}\nevents: {visit: {}}\n";
    /// let mut base = CustomerBase::new(Engine::compile(&[("shop.yaml", shop)])?);
    /// let ada = Identifier::parse("customer:ada")?;
    /// let visit = Event::new("visit", Timestamp::parse("2026-03-01T10:00:00Z")?, ada.clone());
    /// base.record(&visit)?;
    /// let erasure = base.erase(&ada, Timestamp::parse("2026-04-01T00:00:00Z")?, b"a secret that only we keep")?;
    /// assert_eq!(erasure.receipt.events["visit"], 1);
    /// assert_eq!(base.record(&visit).map_err(|error| error.code()), Err("erased"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn erase(&mut self, identifier: &Identifier, at: Timestamp, key: &[u8]) -> Result<Erasure, EventError> {
        let identifier = self.engine.identity().read(identifier)?.into_owned();
        let members = self.links.members(&identifier);
        self.erase_all(&identifier, members, "person", at, key)
    }

    /// Erases what was told under one identifier, and all links with it, and leaves the rest of its customer as if it had never
    /// been theirs. Everything else is as for [`erase`](Self::erase).
    ///
    /// # Errors
    /// As for [`erase`](Self::erase).
    ///
    /// # Examples
    /// ```
    /// # use tactful::{CustomerBase, Engine, Event, Identifier, Timestamp};
    /// let shop = "playbook: shop\nversion: 1\nidentity: {customer: {}, email: {}}\nevents: {visit: {}}\n";
    /// let mut base = CustomerBase::new(Engine::compile(&[("shop.yaml", shop)])?);
    /// let (ada, email) = (Identifier::parse("customer:ada")?, Identifier::parse("email:ada@x.example")?);
    /// let mut visit = Event::new("visit", Timestamp::parse("2026-03-01T10:00:00Z")?, ada.clone());
    /// visit.identifiers.push(email.clone());
    /// base.record(&visit)?;
    /// base.erase_identifier(&email, Timestamp::parse("2026-04-01T00:00:00Z")?, b"a secret that only we keep")?;
    /// assert_eq!(base.identifiers(&ada)?, [ada.clone()]);
    /// assert_eq!(base.find(&ada).map(|customer| customer.len()), Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn erase_identifier(&mut self, identifier: &Identifier, at: Timestamp, key: &[u8]) -> Result<Erasure, EventError> {
        let identifier = self.engine.identity().read(identifier)?.into_owned();
        self.erase_all(&identifier, vec![identifier.clone()], "identifier", at, key)
    }

    /// Erases some sorted identifiers of the customer whom one of them points to.
    fn erase_all(
        &mut self,
        identifier: &Identifier,
        members: Vec<Identifier>,
        scope: &'static str,
        at: Timestamp,
        key: &[u8],
    ) -> Result<Erasure, EventError> {
        let engine = self.engine.clone();
        self.tombstones.unlock(key)?;
        self.carry(&members);
        let (links, elsewhere) = self.links.told_about(&members);
        let mut receipt = ErasureReceipt::new(scope, at, &engine, &members, &self.tombstones)?;
        receipt.links = links.len() as u64;
        let owner = self.links.customer_of(identifier).clone();
        let mut touched: BTreeSet<Identifier> = BTreeSet::new();
        let mut others: Vec<Identifier> = elsewhere.iter().map(|(other, _)| other.clone()).collect();
        if let Some(mut customer) = self.customers.remove(&owner) {
            customer.take(&members).iter().for_each(|strand| receipt.count(strand));
            if !customer.strands().is_empty() {
                others.extend(customer.strands().iter().map(|strand| strand.identifier().clone()));
                touched.insert(owner.clone());
                self.customers.insert(owner, customer);
            }
        }
        receipt.until = links.iter().map(|(turn, known_at)| last(turn, *known_at)).fold(receipt.until, Timestamp::max);

        let told = self.told(others.iter(), Timestamp::MIN);
        let (mut changes, mut withdrawn) = (Vec::new(), Vec::new());
        for (other, turn) in &elsewhere {
            if self.withdraw(&engine, other, turn) {
                receipt.elsewhere += 1;
                touched.insert(self.links.customer_of(other).clone());
                withdrawn.push((other, &turn.2));
            }
        }
        for (other, turn) in self.relations.told_about(&members) {
            if self.withdraw(&engine, &other, &turn) {
                receipt.elsewhere += 1;
                touched.insert(self.links.customer_of(&other).clone());
                others.push(other);
            }
        }
        for (other, turn) in self.given_by(&members) {
            if self.withdraw(&engine, &other, &turn) {
                receipt.elsewhere += 1;
                touched.insert(self.links.customer_of(&other).clone());
                others.push(other);
            }
        }
        self.relations.erase(&members);
        // Only now, because it changes who is found where.
        for (other, event) in withdrawn {
            changes.push(self.links.forget(engine.identity(), other, event));
        }
        changes.push(self.links.erase(engine.identity(), &members));
        let mut effects = self.follow(self.about_others(changes, &members, &touched), told);
        effects.retain(|effect| !members.iter().any(|member| effect.customer.as_deref() == Some(member.as_str())));
        // What was taken out leaves its texts behind.
        let rewritten: BTreeSet<Identifier> = others.iter().map(|other| self.links.customer_of(other).clone()).collect();
        for owner in &rewritten {
            if let Some(customer) = self.customers.get_mut(owner) {
                customer.compact();
            }
        }
        for member in &members {
            self.tombstones.set(member, receipt.until)?;
        }
        receipt.digest = self.tombstones.hash(&receipt.to_json())?;
        Ok(Erasure { receipt, identifiers: members, effects: Effects { arrival: None, effects } })
    }

    /// Gives the base the key of its tombstones, which its bytes do not hold. Without it events up to the last erasure are refused
    /// with the code `erasure_key`, because nobody can tell whether they are about somebody who was erased.
    ///
    /// # Errors
    /// [`EventError`] with code `erasure_key` for a key that is too short or not theirs.
    pub fn unlock(&mut self, key: &[u8]) -> Result<(), EventError> {
        self.tombstones.unlock(key)
    }

    /// Up to when events of an identifier are refused because its customer was erased; `None` when they are not.
    ///
    /// # Errors
    /// [`EventError`] with code `erasure_key` when the key is not known, or for the identifier.
    pub fn erased_until(&self, identifier: &Identifier) -> Result<Option<Timestamp>, EventError> {
        self.tombstones.until(&*self.engine.identity().read(identifier)?)
    }

    /// Whether an identifier was of a customer who was erased.
    ///
    /// # Errors
    /// As for [`erased_until`](Self::erased_until).
    pub fn is_erased(&self, identifier: &Identifier) -> Result<bool, EventError> {
        Ok(self.erased_until(identifier)?.is_some())
    }

    /// The consents that name some identifiers as those who gave them, in the stories of others. Goes through the consents of all
    /// customers where the playbook says that guardians give them.
    fn given_by(&self, identifiers: &[Identifier]) -> Vec<(Identifier, super::links::Turn)> {
        let sources = &self.engine.model().rules.sources;
        let (identity, mut found) = (self.engine.identity(), Vec::new());
        if sources.relations.guardian().is_none() {
            return found;
        }
        let given = [sources.reserved.consent_given];
        for customer in self.iter() {
            customer.view(Timestamp::MAX).events(&given, Span::lifetime(Timestamp::MAX), &mut |row| {
                let by = row.text(consent_column::BY).and_then(|text| Identifier::parse(text).ok());
                let by = by.and_then(|by| Some(identity.read(&by).ok()?.into_owned()));
                if by.is_some_and(|by| identifiers.contains(&by)) {
                    let turn = (row.time(), row.sequence(), Arc::from(row.id()));
                    found.push((row.strand().identifier().clone(), turn));
                }
                ControlFlow::Continue(())
            });
        }
        found
    }

    /// Takes an event about links or relations, or a consent, out of somebody's story; says whether it was there.
    fn withdraw(&mut self, engine: &Engine, identifier: &Identifier, turn: &super::links::Turn) -> bool {
        let reserved = &engine.model().rules.sources.reserved;
        let mut kinds = vec![reserved.linked, reserved.unlinked, reserved.consent_given];
        kinds.extend(reserved.relations.into_iter().flat_map(|(related, unrelated)| [related, unrelated]));
        let Some(customer) = self.customers.get_mut(self.links.customer_of(identifier)) else { return false };
        let strand = customer.strands_mut().iter_mut().find(|strand| strand.identifier() == identifier);
        strand.is_some_and(|strand| strand.withdraw(&kinds, &turn.2, turn.0, turn.1))
    }

    /// What changed for others than those who were erased: what is said about these is left out, and customers who are made of the
    /// same strands as before stay as they are unless something was taken out of one.
    fn about_others(&self, mut changes: Vec<Changed>, members: &[Identifier], touched: &BTreeSet<Identifier>) -> Vec<Changed> {
        let is_member = |identifier: &Identifier| members.binary_search(identifier).is_ok();
        let mut owners = touched.clone();
        for change in &mut changes {
            change.net.retain(|fact, _| !is_member(&fact.identifiers.0) && !fact.identifiers.1.as_ref().is_some_and(is_member));
            for owner in std::mem::take(&mut change.owners) {
                let strands = self.customers.get(&owner).map_or(&[][..], |customer| customer.strands());
                let now: BTreeSet<&Identifier> =
                    strands.iter().map(|strand| self.links.customer_of(strand.identifier())).collect();
                if now.iter().any(|now| **now != owner) {
                    owners.extend(now.into_iter().cloned());
                    owners.insert(owner);
                }
            }
        }
        if let Some(change) = changes.first_mut() {
            change.owners = owners;
        }
        changes
    }
}
